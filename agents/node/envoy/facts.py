"""What others may know of the Envoy beside the agent, and how a process ended, in words. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where an Envoy's life stands, as people read it."""

    WAITING = "waiting"  # for its next start
    STARTING = "starting"  # there is a process, and it is not ready yet
    RUNNING = "running"
    REPLACING = "replacing"  # it serves, and the next epoch starts beside it
    TURNING_AWAY = "turning away"  # load balancers are told; nothing else has changed
    DRAINING = "draining"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class EnvoyFacts:
    """One moment of an Envoy's life. Times are Unix seconds; what is not known is empty, 0 or None.

    `ready`: it is live and is meant to get traffic. `words` say what is out of the ordinary, such as a crash loop.
    """

    phase: Phase = Phase.WAITING
    ready: bool = False
    pid: int | None = None
    epoch: int = 0
    version: str = ""
    server_state: str = ""
    restarts: int = 0
    takeovers: int = 0
    last_exit: str = ""
    last_exit_s: float = 0.0
    since_s: float = 0.0
    held: bool = False
    adopted: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `status` as `subprocess` has it, negative for a signal; None for one that was no child of
    ours. `asked`: what this agent did to it that explains the end."""

    status: int | None = None
    asked: str = ""

    @property
    def crashed(self) -> bool:
        """Whether it went by itself, and not in peace."""
        return not self.asked and self.status != 0

    def __str__(self) -> str:
        how = _how(self.status)
        if self.asked:
            return f"{how}, {self.asked}"
        if self.status == -signal.SIGKILL:
            return f"{how} (perhaps out of memory)"
        return how


def _how(status: int | None) -> str:
    if status is None:
        return "ended; how is not known, for it was no child of this agent"
    if status < 0:
        return "killed" if status == -signal.SIGKILL else f"ended by {_signal_name(-status)}"
    return f"exited with code {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
