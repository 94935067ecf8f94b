"""The directory of an embedded etcd: ours alone, and held by a lock for as long as anything of it runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Self

from api.errors import StoreUnavailable

_RETRY_S = 0.05
_ORPHAN_PATIENCE_S = 5.0


class DataDirectory:
    """A locked directory. The etcd inherits `lock_fd`, so the lock lasts until both it and its parent are gone."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self.lock_fd = lock_fd

    @classmethod
    async def lock(cls, path: Path) -> Self:
        """Makes the directory if need be (mode 0700). Raises StoreUnavailable: in use (by whom), or not writable."""
        try:
            lock_fd = _open_lock(path)
        except OSError as error:
            raise StoreUnavailable(
                f"the data directory {path} cannot be used: {error.strerror}. Make it writable, or choose another with "
                "--data-dir"
            ) from error
        try:
            await _take(lock_fd, path)
        except BaseException:
            os.close(lock_fd)
            raise
        return cls(path, lock_fd)

    def open_log(self) -> int:
        """A descriptor to write etcd's log to; the log of the run before is kept as `etcd.log.1`."""
        log = self.log
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    @property
    def log(self) -> Path:
        return self.path / "etcd.log"

    def last_words(self) -> str:
        """The last line of etcd's log, for an error message."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return "it left no log"
        return lines[-1][:500] if lines else "it said nothing"

    def release(self) -> None:
        os.close(self.lock_fd)


def _open_lock(path: Path) -> int:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)  # also if somebody else made it: it will hold everything that is served
    return os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def _take(lock_fd: int, path: Path) -> None:
    """Waits only for an etcd whose parent has died, because it is dying too."""
    deadline_s = asyncio.get_running_loop().time() + _ORPHAN_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock_fd, 32, 0).decode(errors="replace").strip()
            if _is_running(holder) or asyncio.get_running_loop().time() > deadline_s:
                raise StoreUnavailable(
                    f"the data directory {path} is in use by process {holder or 'unknown'}; stop that one, or choose "
                    "another directory with --data-dir"
                ) from None
            await asyncio.sleep(_RETRY_S)
        else:
            os.ftruncate(lock_fd, 0)
            os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
            return


def _is_running(pid: str) -> bool:
    return pid.isdigit() and Path("/proc", pid).exists()
