"""What the rest of the agent sees of whoever keeps its Envoy: `supervisor` where the agent runs it, `minding` where
somebody else does. Shapes only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from agents.node.envoy.admin import Admin
from agents.node.envoy.bootstrap_file import Bootstrap
from agents.node.envoy.facts import EnvoyFacts, Exit
from api.errors import FairleadError


class EnvoyStays(FairleadError):
    """Envoy cannot be restarted as it was asked; it goes on as it is. The message says why and what could be done."""

    status: ClassVar[str] = "FAILED_PRECONDITION"
    exit_code: ClassVar[int] = 5


async def _nothing(*_: object) -> None:
    """For a hook that nobody wants."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Called in the keeper's own task, one after the other; it goes on when they return. They must not raise.

    on_ready    Envoy is live, for the first time or again (a restart, another epoch)
    on_unready  it is not, or clients are turned away: load balancers must hear it before this returns
    on_exit     a process ended that was the current one, whoever wanted that
    fall_back   (generation, why): serve what was good before that generation; the next start waits for it
    """

    on_ready: Callable[[EnvoyFacts], Awaitable[None]] = _nothing
    on_unready: Callable[[EnvoyFacts], Awaitable[None]] = _nothing
    on_exit: Callable[[Exit], Awaitable[None]] = _nothing
    fall_back: Callable[[str, str], Awaitable[None]] = _nothing


class EnvoyKeeper(Protocol):
    """Methods other than `run` return at once and are done in `run` unless they say otherwise; from its loop."""

    @property
    def facts(self) -> EnvoyFacts:
        """As of now; a new object whenever something changed."""

    @property
    def admin(self) -> Admin:
        """Of the current process, whichever that is."""

    @property
    def log_file(self) -> Path | None:
        """What Envoy says; its older part is beside it with `.1` at the end. None where somebody else has it."""

    async def run(self) -> None:
        """Until `stop` is done, or `leave` is asked for. Raises FairleadError where nothing can be run at all."""

    def stop(self) -> None:
        """Turn clients away, drain, end Envoy (one that is minded goes on: it is not ours to end)."""

    def hurry(self) -> None:
        """End Envoy at once."""

    def leave(self) -> None:
        """Let go: Envoy runs on, for the next agent to take over."""

    async def restart(self, *, drained: bool = False) -> str:
        """Hot restart, or one after a drain. Returns what is done, in words; raises EnvoyStays, which says why not."""

    async def refresh(self, bootstrap: Bootstrap | None = None, binary: Path | None = None) -> str:
        """A hot restart if the program or the bootstrap is another than Envoy runs with: what is done, empty if there
        was no need. With a `bootstrap`, it and `binary` (None: the one that is found) are what is wanted from now on.

        Raises as `restart` does, EnvoyMissing and InvalidConfig; then everything is as it was.
        """

    def hold(self) -> None:
        """Turn clients away, connections ending as they can, until `release`; Envoy goes on. Idempotent."""

    def release(self) -> None:
        """Let clients come again."""

    def applied(self, generation: str, *, proven: bool) -> None:
        """Envoy is served `generation` from now on. `proven`: it was good before, and no crash is its fault."""

    def baked(self, generation: str) -> None:
        """Envoy has lived with it for as long as its bake takes: its crashes do not count against what comes next."""
