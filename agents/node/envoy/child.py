"""One Envoy process, started here or by an agent before this one: watched and signalled by its pidfd, so that never
another process is meant that got the same number later.

Envoy asks the kernel for a SIGTERM at its parent's end (for hot restarts), and it is to outlive an agent. So its parent
is a shell that does nothing but wait for it, and ends as it ended.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agents.node.envoy.logs import opened
from agents.node.envoy.processes import Seen, see

_SECRETS = "FAIRLEAD_"
_SHELL = Path("/bin/sh")
_OUTLIVING = '"$@" >&2 & echo $!; exec >&-; wait $!'
_ENDED_BY_SIGNAL = 128


class Child:
    """A process until it has ended. `close` when it is watched no longer; it lives on."""

    def __init__(self, pid: int, start_ticks: int, pidfd: int, started: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self.start_ticks = start_ticks
        self._pidfd = pidfd
        self._started = started
        self._ended = os.pidfd_open(started.pid) if started is not None else os.dup(pidfd)

    @classmethod
    def start(cls, command: Sequence[str], log: Path) -> Child:
        """In a session of its own: Ctrl-C is for the agent, and the agent's end not its affair. Raises OSError."""
        _check(Path(command[0]))
        with opened(log) as output:
            process = subprocess.Popen(
                (str(_SHELL), "-c", _OUTLIVING, "envoy", *command),
                env=environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        pid = _told_by(process)
        seen = see(pid)
        try:
            return cls(pid, seen.start_ticks if seen else 0, os.pidfd_open(pid), process)
        except ProcessLookupError:  # it has ended already
            return cls(pid, 0, os.pidfd_open(process.pid), process)

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

    @property
    def awaited(self) -> int:
        """The process whose exit this one waits for."""
        return self._started.pid if self._started is not None else self.pid

    async def ended(self) -> int | None:
        """Returns when it has: its status as `subprocess` has it, None where only its parent could know."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._ended, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._ended)
        return _status(self._started.wait()) if self._started is not None else _reaped(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Nothing happens when it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        os.close(self._pidfd)
        os.close(self._ended)
        if self._started is not None and self._started.returncode is None:
            self._started.returncode = 0  # it is left on purpose: `subprocess` need not warn of that


def _check(program: Path) -> None:
    """Raises OSError as the system would: the shell would say it to the log."""
    if not program.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(program))
    if not os.access(program, os.X_OK) or program.is_dir():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(program))


def _told_by(shell: subprocess.Popen[bytes]) -> int:
    """The process that it has started."""
    assert shell.stdout is not None
    with shell.stdout as told:
        said = told.readline()
    if not said.strip().isdigit():
        raise OSError(f"{_SHELL} has not started it: it ended with {shell.wait()}")
    return int(said)


def _status(code: int) -> int:
    """As `subprocess` has it, of what a shell says of a process that it waited for."""
    return _ENDED_BY_SIGNAL - code if code > _ENDED_BY_SIGNAL else code


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
