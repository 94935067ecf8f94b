"""How Envoy is called, and what a call that was made tells again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.errors import InvalidConfig

_CONFIG, _EPOCH, _BASE_ID, _PARENT_SHUTDOWN = "-c", "--restart-epoch", "--base-id", "--parent-shutdown-time-s"
_OURS = {
    "-c": "the agent makes the bootstrap",
    "--config-path": "the agent makes the bootstrap",
    "--config-yaml": "use envoy.bootstrap_overlay",
    "--mode": "the agent runs Envoy to serve",
    "--base-id": "the agent chooses it",
    "--base-id-path": "the agent chooses it",
    "--use-dynamic-base-id": "the agent chooses it",
    "--restart-epoch": "the agent counts them",
    "--drain-time-s": "use envoy.drain_s",
    "--parent-shutdown-time-s": "it follows envoy.drain_s",
    "--service-node": "use node.id",
    "--service-cluster": "use node.group",
}
_WITHOUT_HOT_RESTART = "--disable-hot-restart"


@dataclass(frozen=True, slots=True)
class Epoch:
    """Which of several Envoys that take over from each other. Without a base id it stands alone."""

    number: int = 0
    base_id: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What all epochs are called with. `base_id_file`: where the first epoch writes the base id that it chose."""

    bootstrap: Path
    base_id_file: Path
    drain_s: float
    parent_shutdown_s: float
    arguments: tuple[str, ...] = ()

    def first(self, program: Path, *, hot: bool) -> list[str]:
        """A fresh start; `hot`: another may take over from it later."""
        chosen = ["--use-dynamic-base-id", "--base-id-path", str(self.base_id_file)]
        return [*self._common(program), *(chosen if hot else self._cold())]

    def next(self, program: Path, epoch: Epoch) -> list[str]:
        """The epoch that takes over from the one before it."""
        return [*self._common(program), _BASE_ID, str(epoch.base_id), _EPOCH, str(epoch.number)]

    def validating(self, program: Path, bootstrap: Path) -> list[str]:
        """Whether Envoy would take that bootstrap: exit code 0."""
        return [str(program), _CONFIG, str(bootstrap), "--mode", "validate", "--log-level", "error", *self.arguments]

    def _common(self, program: Path) -> list[str]:
        times = ["--drain-time-s", _whole(self.drain_s), _PARENT_SHUTDOWN, _whole(self.parent_shutdown_s)]
        return [str(program), _CONFIG, str(self.bootstrap), *times, *self.arguments]

    def _cold(self) -> list[str]:
        return [] if _WITHOUT_HOT_RESTART in self.arguments else [_WITHOUT_HOT_RESTART]

    @property
    def may_be_hot(self) -> bool:
        return _WITHOUT_HOT_RESTART not in self.arguments


def checked(arguments: Sequence[str]) -> tuple[str, ...]:
    """Further arguments for Envoy, if none is one of the agent's. Raises InvalidConfig."""
    wrong = [f"{name} ({_OURS[name]})" for each in arguments if (name := each.partition("=")[0]) in _OURS]
    if wrong:
        raise InvalidConfig(f"envoy.arguments must not have {', '.join(wrong)}")
    return tuple(arguments)


def made_by_agent(arguments: Sequence[str], bootstrap: Path) -> bool:
    """Whether a command line is of an Envoy that was started with that bootstrap as `Call` does it."""
    return _value(arguments, _CONFIG) == str(bootstrap) and _PARENT_SHUTDOWN in arguments


def epoch_of(arguments: Sequence[str]) -> Epoch:
    """As a command line says it. The base id of a first epoch is not on it."""
    number, base_id = _value(arguments, _EPOCH), _value(arguments, _BASE_ID)
    return Epoch(int(number) if number.isdecimal() else 0, int(base_id) if base_id.isdecimal() else None)


def _value(arguments: Sequence[str], name: str) -> str:
    for index, each in enumerate(arguments[:-1]):
        if each == name:
            return arguments[index + 1]
    return ""


def _whole(seconds: float) -> str:
    return str(max(1, round(seconds)))
