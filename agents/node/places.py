"""What is where below an agent's state directory, for the agent itself and for whoever looks at it. Names only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Of one state directory, which may be a relative path: so are these then, but for what Envoy is told."""

    directory: Path

    @property
    def lock(self) -> Path:
        """Held by the agent that runs."""
        return self.directory / "lock"

    @property
    def announced(self) -> Path:
        """What other commands find a running agent by."""
        return self.directory / "agent.json"

    @property
    def generations(self) -> Path:
        return self.directory / "generations"

    @property
    def floor(self) -> Path:
        return self.directory / "floor.json"

    @property
    def pinned(self) -> Path:
        return self.directory / "pinned.json"

    @property
    def audit(self) -> Path:
        return self.directory / "audit.jsonl"

    @property
    def xds(self) -> Path:
        """The socket of the local server. Absolute: Envoy is told of it."""
        return self.directory.absolute() / "xds.sock"

    @property
    def envoy(self) -> Path:
        """Envoy's own directory. Absolute: Envoy is told of it."""
        return self.directory.absolute() / "envoy"
