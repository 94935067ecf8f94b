"""A node agent as a process, for tests: its state in a short directory, its Envoy ended with it.

A Unix socket's path has little room, so the directory is not pytest's.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from agents.node.assembly import Parts, assemble
from agents.node.envoy.adoption import running
from agents.node.envoy.record import Record
from agents.node.settings import load_settings
from api.envoy.registry import load_default
from tests.spine import ROOT, ChildProcess, wait_for

AGENT = (sys.executable, "-m", "agents.node.command")
ANYWHERE = "127.0.0.1:0"
QUICK = {"drain_delay_s": 0.1, "drain_s": 3, "envoy_arguments": "--concurrency,1", "log_format": "text"}


class AgentProcess(ChildProcess):
    """`settings` by name, as `AgentSettings` has them; `start` may be called again after `stop` or `kill`. `program`:
    another that becomes an agent with the same arguments."""

    program: Sequence[str] = AGENT

    def __init__(self, directory: Path, **settings: object) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.log = directory / "agent.log"
        self._ready = directory / "ready.json"
        self.settings: dict[str, object] = {"http_address": ANYWHERE, **QUICK, **settings}
        self.addresses: dict[str, Any] = {}

    def start(self, **changes: object) -> AgentProcess:
        """Start it and wait until it listens; Envoy need not be ready. `changes` are settings that stay."""
        self.launch(**changes)
        wait_for(lambda: self._ready.exists() or self.ended, "the agent")
        assert not self.ended, self.log.read_text()
        self.addresses = json.loads(self._ready.read_text())
        return self

    def launch(self, **changes: object) -> AgentProcess:
        """Start it and wait for nothing."""
        self.settings |= changes
        self._ready.unlink(missing_ok=True)
        places = {"state_dir": self.state, "ready_file": self._ready}
        flags = [_flag(name, value) for name, value in {**places, **self.settings}.items()]
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen((*self.program, "run", *flags), stdout=sink, stderr=sink, cwd=ROOT)
        return self

    @property
    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def xds(self) -> str:
        """Where local clients find it."""
        return str(self.addresses["xds"])

    def ask(self, path: str) -> tuple[int, str]:
        """One HTTP page: status and body; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://{self.addresses['http']}{path}", timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def status(self) -> dict[str, Any]:
        """/status."""
        return dict(json.loads(self.ask("/status")[1] or "{}"))

    @property
    def is_ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def ready(self) -> AgentProcess:
        """Wait until load balancers may send clients here."""
        wait_for(lambda: self.is_ready or self.ended, "the agent's Envoy")
        assert not self.ended, self.log.read_text()
        return self

    def told(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns the exit code."""
        assert self._process is not None
        if not self.ended:
            self.told(number)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError(f"the agent did not end in 60 s:\n{self.log.read_text()}") from None
        return self._process.returncode

    @property
    def envoys(self) -> list[int]:
        """Process ids of the Envoys of this state directory, whoever their parent is; oldest first."""
        bootstrap = self.state / "envoy" / "bootstrap.json"
        return [found.seen.pid for found in running(bootstrap, Record(), bootstrap.with_name("base_id"))]


async def started(agent: AgentProcess) -> AgentProcess:
    """`start`, without holding up what else the test does."""
    await asyncio.to_thread(agent.start)
    return agent


@contextmanager
def an_agent(*servers: str, **settings: object) -> Iterator[AgentProcess]:
    """Not started. Node edge-1 of group edge, unless it is said otherwise."""
    who = {"node": "edge-1", "group": "edge", "servers": ",".join(servers)}
    directory = Path(tempfile.mkdtemp(prefix="agent"))
    agent = AgentProcess(directory, **{**who, **settings})
    try:
        yield agent
    finally:
        with suppress(AssertionError, ProcessLookupError):
            if agent.addresses:
                agent.stop()
        for pid in agent.envoys:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)


def _flag(name: str, value: object) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag}={value}"


@asynccontextmanager
async def an_agent_here(*servers: str, state: Path | None = None, **settings: object) -> AsyncIterator[Parts]:
    """An agent in this process, serving and following; nobody keeps an Envoy. Servers are asked in the order given.

    `state`: a directory that outlives it. With `envoy="mind"` a client that calls itself edge-1 is its Envoy.
    """
    directory = state or Path(tempfile.mkdtemp(prefix="agent"))
    who = {"node": "edge-1", "group": "edge", "envoy": "none", "envoy_admin": ANYWHERE, "servers": ",".join(servers)}
    own = {"state_dir": str(directory), "http_address": ANYWHERE, "report_interval_s": 0}
    parts = assemble(load_settings(flags={**who, **own, **settings}), load_default())
    tasks: list[asyncio.Task[NoReturn]] = []
    try:
        await parts.last_good.begin(parts.settings.start_patience_s)
        await parts.server.start()
        tasks += [asyncio.create_task(parts.link.run()), asyncio.create_task(parts.last_good.run())]
        yield parts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await parts.server.drain(0)
        if state is None:
            shutil.rmtree(directory, ignore_errors=True)
