"""A Fairlead server as a process, and the command line against it, for tests of the whole spine.

Real processes on free loopback ports, ended by their process id; waiting is for conditions, with a deadline.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from examples.demo.traffic import Upstream
from snapshots.store.etcd.ports import free_port
from tests.forking import run_command

FAIRLEAD = (sys.executable, "-m", "api.cli.main")
ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "examples" / "demo" / "config"


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    """Wait for a condition; fails the test, naming it, when it does not come in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Done:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str

    def json(self) -> dict:  # type: ignore[type-arg]  # whatever the command documents
        return json.loads(self.out)  # type: ignore[no-any-return]


class ChildProcess:
    """A process of a test, from its start to its end by process id."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(60)


class ServerProcess(ChildProcess):
    """One `fairlead dev` or `fairlead serve`. Ports are chosen once, so that a restart is found where it was."""

    def __init__(
        self, directory: Path, *arguments: str, command: str = "dev", program: Sequence[str] = FAIRLEAD
    ) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.xds, self.management, self.http = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.log = directory / "server.log"
        self._ready = directory / "ready.json"
        self._command = (*program, command, *arguments)

    def start(self) -> ServerProcess:
        """Start it and wait until it says it is ready."""
        self.launch()
        wait_for(lambda: self._ready.exists() or self._process.poll() is not None, "the server")  # type: ignore[union-attr]
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return self

    def launch(self) -> ServerProcess:
        """Start it and wait for nothing."""
        self._ready.unlink(missing_ok=True)
        addresses = (f"--xds-address={self.xds}", f"--management-address={self.management}")
        command = (*self._command, *addresses, f"--http-address={self.http}")
        if "--memory" not in command and not any(word.startswith("--etcd") for word in command):
            command += (f"--data-dir={self.directory / 'data'}",)
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                (*command, f"--ready-file={self._ready}"), stdout=sink, stderr=sink, cwd=ROOT
            )
        return self

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise AssertionError(f"the server did not end in 60 s:\n{self.log.read_text()}") from None
        return self._process.returncode

    def run(self, *arguments: str, timeout_s: float = 90, cwd: Path | None = None) -> Done:
        """One `fairlead` command against this server."""
        environment = {**os.environ, "FAIRLEAD_SERVER": self.management, "NO_COLOR": "1"}
        return Done(*run_command(arguments, environment, cwd or self.directory, timeout_s=timeout_s))

    def ask(self, path: str) -> tuple[int, str]:
        """One HTTP page: status and body; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def open_streams(self) -> float:
        """xDS streams, by its own metrics."""
        rows = [row for row in self.ask("/metrics")[1].splitlines() if row.startswith("fairlead_xds_streams")]
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows)


@dataclass(frozen=True)
class Site:
    """A workspace on disk that serves one listener whose traffic goes to one upstream."""

    directory: Path
    port: int

    def points_at(self, upstream: Upstream, route_match: str = "{prefix: /}") -> Site:
        """Write the documents of the demo for this upstream: its cluster replaces the one before."""
        self.directory.mkdir(parents=True, exist_ok=True)
        values = {"LISTENER_PORT": self.port, "COLOUR": upstream.name, "UPSTREAM_PORT": upstream.port}
        for template in TEMPLATES.glob("*.yaml"):
            text = Template(template.read_text()).substitute(values)
            (self.directory / template.name).write_text(text.replace("{prefix: /}", route_match))
        return self

    @property
    def listens(self) -> bool:
        return listens(self.port)


def listens(port: int) -> bool:
    """Whether something takes connections on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def a_site(directory: Path) -> Site:
    return Site(directory, free_port())
