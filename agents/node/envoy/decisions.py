"""What can be decided in an Envoy's life: the shapes between `life` and whoever carries it out. Shapes only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class How(Enum):
    """How a process is made to end."""

    END = "SIGTERM"
    ABORT = "SIGABRT"
    KILL = "SIGKILL"


@dataclass(frozen=True, slots=True)
class Start:
    """Start process `number`: afresh, or as the next epoch of the current one."""

    number: int
    takes_over: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Signal process `number`."""

    number: int
    how: How


@dataclass(frozen=True, slots=True)
class Drain:
    """Ask the current process to let its connections go."""


@dataclass(frozen=True, slots=True)
class FallBack:
    """Serve what was good before `generation`, with which Envoy does not live. To be done before the next start."""

    generation: str
    why: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Words for the log, and for whoever watches."""

    words: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """No process is left, and none is wanted."""


Decision = Start | Send | Drain | FallBack | Tell | Done
Decisions = tuple[Decision, ...]
Event = Callable[[float], Decisions]
"""Something that happened: told when, it says what is decided."""


def nothing(now_s: float) -> Decisions:
    """An event that changes nothing; what follows every event is done."""
    return ()
