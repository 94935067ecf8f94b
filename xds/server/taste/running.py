"""The Envoy process of one taste: started, asked whether it has loaded everything, ended. It dies with its parent."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from snapshots.store.etcd.child import Child

_ASK_S = 0.01
_PATIENCE_S = 1.0
_LOG_LINES = 12


class Running:
    """One Envoy. What it says is kept in memory; `admin` is the Unix socket where it answers, `answered` set once it
    has."""

    def __init__(self, child: Child, log: int, admin: Path) -> None:
        self._child = child
        self._log = log
        self._admin = admin
        self._connection: _Admin | None = None
        self.answered = asyncio.Event()

    @classmethod
    def start(cls, command: Sequence[str], directory: Path, admin: Path) -> Running:
        """On a thread that lives as long as the Envoy is to. Raises OSError."""
        log = os.memfd_create("envoy")
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        child = Child.start(command, directory=directory, environment=environment, output=log, keep_open=log)
        return cls(child, log, admin)

    async def loaded(self) -> None:
        """Returns when all that it asked for has come and was taken, or refused: it would take requests now."""
        while not await asyncio.to_thread(self._is_live):
            if self._connection is not None:
                self.answered.set()
            await asyncio.sleep(_ASK_S)
        self.answered.set()

    def _is_live(self) -> bool:
        """One connection does for all questions, so that the socket's file may go."""
        try:
            self._connection = self._connection or _Admin(str(self._admin))
            self._connection.request("GET", "/ready")
            return self._connection.getresponse().read().strip() == b"LIVE"
        except (OSError, http.client.HTTPException):
            self._connection = None
            return False

    async def ended(self) -> str:
        """Returns when it has ended by itself: how, and its last words."""
        await self._child.wait()
        return f"{self._how()}{self.last_words()}"

    def _how(self) -> str:
        code = self._child.exit_code or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """The end of its log, on lines of its own; empty if it said nothing."""
        size = os.fstat(self._log).st_size
        text = os.pread(self._log, min(size, 64 * 1024), max(0, size - 64 * 1024)).decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()][-_LOG_LINES:]
        return "".join(f"\n  {line}" for line in lines)

    async def stop(self) -> None:
        await self._child.end(_PATIENCE_S)
        if self._connection is not None:
            self._connection.close()
        os.close(self._log)


class _Admin(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("admin")
        self._path = path

    def connect(self) -> None:
        # An Envoy that loads much answers late; one that never does is ended, which ends the connection.
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)
