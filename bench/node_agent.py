"""A node agent as its users start it, with or without an Envoy, in a state directory of its own.

It runs from bytecode, as an installed package does, wherever the environment says that none is to be written.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.fairlead import PATIENCE_S, ROOT

_POLL_S, _SELDOM_S = 0.001, 0.1
_GONE_S = 20.0


class NodeAgent:
    """`start`, `stop`, and again. `directory` is made; its name has to be short, since a socket's path is.

    `node` is its group too, unless `arguments` say something else.
    """

    def __init__(self, directory: Path, node: str, *arguments: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._who = (f"--node={node}", f"--group={node}")
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._log_from = 0
        self.started_at_s = 0.0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, server: str, *arguments: str) -> None:
        """Waits for nothing."""
        ready, log = self._directory / "ready.json", self._directory / "agent.log"
        ready.unlink(missing_ok=True)
        self._log_from = log.stat().st_size if log.exists() else 0
        places = (f"--state-dir={self._directory / 'state'}", f"--ready-file={ready}", "--http-address=127.0.0.1:0")
        with log.open("ab") as sink:
            self.started_at_s = time.time()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agents.node.command", "run", f"--servers={server}"),
                *(*self._who, *places, *self._arguments, *arguments, "--drain-delay-s=0", "--drain-s=1"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=ROOT,
                env=self._environment(),
            )

    async def stop(self) -> None:
        """Ends its Envoy too."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _GONE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def has_good(self, revision: int) -> None:
        """Wait until that revision is the newest good generation on the disk."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await self._good_revision() == revision:
                    return
                await asyncio.sleep(_SELDOM_S)

    async def _good_revision(self) -> int:
        host, _, port = (await self.addresses())["http"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(b"GET /status HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert b" 200 " in head
            return int(json.loads(body)["generations"]["good_revision"])
        finally:
            writer.close()

    def logged(self) -> Iterator[tuple[str, float]]:
        """What it has logged since its start, and how many seconds after that."""
        with (self._directory / "agent.log").open() as log:
            log.seek(self._log_from)
            for line in log:
                entry = json.loads(line)
                yield entry["event"], datetime.fromisoformat(entry["timestamp"]).timestamp() - self.started_at_s

    async def addresses(self) -> dict[str, str]:
        """Where it listens, by name; waits until it does."""
        ready = self._directory / "ready.json"
        async with asyncio.timeout(PATIENCE_S):
            while not _is_there(ready):
                assert self._process is not None
                if self._process.returncode is not None:
                    raise RuntimeError(f"the agent ended at its start; see {self._directory / 'agent.log'}")
                await asyncio.sleep(_POLL_S)
        return dict(json.loads(ready.read_text()))

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "PYTHONPYCACHEPREFIX": str(self._directory / "bytecode")}


def _is_there(path: Path) -> bool:
    return path.exists()
