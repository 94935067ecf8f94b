"""One Envoy process, started here or by an agent before this one: watched and signalled by its pidfd, so that never
another process is meant that got the same number later."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agents.node.envoy.logs import opened
from agents.node.envoy.processes import Seen, see

_SECRETS = "FAIRLEAD_"


class Child:
    """A process until it has ended. `close` when it is watched no longer; it lives on."""

    def __init__(self, pid: int, start_ticks: int, pidfd: int, started: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self.start_ticks = start_ticks
        self._pidfd = pidfd
        self._started = started

    @classmethod
    def start(cls, command: Sequence[str], log: Path) -> Child:
        """In a session of its own: Ctrl-C is for the agent, and the agent's end not its affair. Raises OSError."""
        with opened(log) as output:
            process = subprocess.Popen(
                command,
                env=environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # It is not waited for yet, so its number is its own even if it has ended already.
        pidfd = os.pidfd_open(process.pid)
        seen = see(process.pid)
        return cls(process.pid, seen.start_ticks if seen else 0, pidfd, process)

    @classmethod
    def adopt(cls, seen: Seen) -> Child | None:
        """One that runs already; None when it has ended meanwhile."""
        try:
            pidfd = os.pidfd_open(seen.pid)
        except OSError:
            return None
        if (again := see(seen.pid)) is None or again.start_ticks != seen.start_ticks:
            os.close(pidfd)
            return None
        return cls(seen.pid, seen.start_ticks, pidfd, None)

    async def ended(self) -> int | None:
        """Returns when it has: its status as `subprocess` has it, None where only its parent could know."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._pidfd)
        return self._started.wait() if self._started is not None else _reaped(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Nothing happens when it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        os.close(self._pidfd)
        if self._started is not None and self._started.returncode is None:
            self._started.returncode = 0  # it is left on purpose: `subprocess` need not warn of that


def _reaped(pid: int) -> int | None:
    """An orphan may have become this process's own child: that is so for PID 1."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if ended else None


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What an Envoy gets of the agent's: all but the agent's own settings, which may name secrets."""
    return {name: value for name, value in ours.items() if not name.startswith(_SECRETS)}
