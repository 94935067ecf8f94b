"""A Fairlead server as its users start it: `fairlead dev` in a process of its own, with an etcd embedded.

Data and log are in a directory that the caller made and removes. Ended by its process id.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Self

FAIRLEAD = (sys.executable, "-m", "api.cli.main")
ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 60.0
_POLL_S = 0.001
_ADDRESSES = ("xds", "management", "http")


class FairleadServer:
    """A running server. `xds` and `management` are its addresses; `ready_s`: from its start until it was ready."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: dict[str, str], ready_s: float) -> None:
        self._process = process
        self.pid = process.pid
        self.xds, self.management = addresses["xds"], addresses["management"]
        self.ready_s = ready_s

    @classmethod
    async def start(cls, directory: Path, *arguments: str) -> Self:
        """Returns when the ready file is there. A second start on the same directory finds what the first stored."""
        ready = _no_ready_file(directory)
        listeners = (f"--{name}-address=127.0.0.1:0" for name in _ADDRESSES)
        with (directory / "server.log").open("ab") as log:
            started_s = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *(*FAIRLEAD, "dev", *listeners, f"--data-dir={directory / 'data'}", f"--ready-file={ready}"),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        try:
            await _until_there(ready, process)
            ready_s = time.monotonic() - started_s
            return cls(process, json.loads(ready.read_text()), ready_s)
        except BaseException:
            await _end(process)
            raise

    async def stop(self) -> None:
        await _end(self._process)


async def _until_there(ready: Path, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not _is_there(ready):
            if process.returncode is not None:
                raise RuntimeError(f"the server ended at its start; see {ready.with_name('server.log')}")
            await asyncio.sleep(_POLL_S)


def _no_ready_file(directory: Path) -> Path:
    """Where it will be; the directory is made if need be."""
    directory.mkdir(exist_ok=True)
    ready = directory / "ready.json"
    ready.unlink(missing_ok=True)
    return ready


def _is_there(path: Path) -> bool:
    return path.exists()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()
