"""A node agent as its users start it, without an Envoy, in a process of its own. Ended by its process id."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Self

from bench.fairlead import PATIENCE_S, ROOT

AGENT = (sys.executable, "-m", "agents.node.command", "run")


class BenchAgent:
    """`addresses`: where it listens, by name."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: dict[str, str]) -> None:
        self._process = process
        self.pid = process.pid
        self.addresses = addresses

    @classmethod
    async def start(cls, directory: Path, *flags: str) -> Self:
        """Returns when it listens. Its state and its log are in `directory`."""
        ready = directory / "ready.json"
        places = (f"--state-dir={directory / 'state'}", f"--ready-file={ready}", "--http-address=127.0.0.1:0")
        with (directory / "agent.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *AGENT, *places, "--envoy=none", *flags, stdout=log, stderr=log, cwd=ROOT
            )
        async with asyncio.timeout(PATIENCE_S):
            while not ready.exists():
                if process.returncode is not None:
                    raise RuntimeError(f"the agent ended at its start; see {directory / 'agent.log'}")
                await asyncio.sleep(0.01)
        return cls(process, json.loads(ready.read_text()))

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()
