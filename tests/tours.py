"""A page of documentation as a tour: every command that it shows, run in its order, in one directory.

Blocks marked `console` hold commands (`$ …`), each with lines that its output must contain. A comment `# exit code N`
says how it ends. The fixed ports of the tour are exchanged for free ones, in commands and in a copy of the examples.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from snapshots.store.etcd.ports import free_port
from tests.spine import ROOT, wait_for

PORTS = ("18000", "18001", "18002", "18004", "10000", "9000")
_SIGNAL = re.compile(r"kill (?P<force>-9 )?%(?P<job>\d+)(?P<wait> && wait %\d+)?")


@dataclass(frozen=True)
class Step:
    """One command of a page, and what it promises."""

    command: str
    expected: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        said = re.search(r"# exit code (\d+)", self.command)
        return int(said.group(1)) if said else 0

    @property
    def in_background(self) -> bool:
        return self.command.endswith("&")


def steps(page: Path) -> list[Step]:
    found = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *expected = part.strip().splitlines()
            found.append(Step(command, tuple(expected)))
    return found


class Tour:
    """A directory with the examples on free ports, and the processes that the tour starts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {port: str(free_port()) for port in PORTS}
        self._background: list[subprocess.Popen[bytes]] = []
        shutil.copytree(ROOT / "examples", directory / "examples")
        for file in (directory / "examples").rglob("*.yaml"):
            file.write_text(self._on_free_ports(file.read_text()))
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FAIRLEAD_SERVER": f"127.0.0.1:{self._ports['18001']}",
            "FAIRLEAD_XDS_ADDRESS": f"127.0.0.1:{self._ports['18000']}",
            "FAIRLEAD_MANAGEMENT_ADDRESS": f"127.0.0.1:{self._ports['18001']}",
            "FAIRLEAD_HTTP_ADDRESS": f"127.0.0.1:{self._ports['18002']}",
            "FAIRLEAD_CONFIG": str(directory / "contexts.toml"),
            "FAIRLEAD_AGENT_SERVERS": f"127.0.0.1:{self._ports['18000']}",
            "FAIRLEAD_AGENT_HTTP_ADDRESS": f"127.0.0.1:{self._ports['18004']}",
            # No load balancer has to hear of it first.
            "FAIRLEAD_AGENT_DRAIN_DELAY_S": "0",
            "FAIRLEAD_AGENT_DRAIN_S": "1",
        }

    def _on_free_ports(self, text: str) -> str:
        return re.sub(r"\b(" + "|".join(PORTS) + r")\b", lambda found: self._ports[found.group(1)], text)

    def run(self, step: Step) -> None:
        command = self._on_free_ports(step.command)
        if step.in_background:
            self._start(command.removesuffix("&").strip())
            return
        if told := _SIGNAL.fullmatch(command):
            self._signal(self._background[int(told["job"]) - 1], force=bool(told["force"]), wait=bool(told["wait"]))
            return
        done = subprocess.run(
            command, shell=True, cwd=self._directory, env=self._environment, timeout=90, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, executable="/bin/bash",
        )  # fmt: skip
        printed = done.stdout + done.stderr
        assert done.returncode == step.exit_code, f"$ {command}\n{printed}"
        for line in step.expected:
            assert _spaced(self._on_free_ports(line)) in _spaced(printed), f"$ {command}\n{printed}"

    def _start(self, command: str) -> None:
        with (self._directory / f"{len(self._background)}.log").open("wb") as log:
            process = subprocess.Popen(
                f"exec {command}", shell=True, cwd=self._directory, env=self._environment, stdout=log, stderr=log
            )
        self._background.append(process)
        if command.startswith("fairlead dev"):  # a person sees it say "ready" before typing on
            wait_for(lambda: process.poll() is not None or self._listens("18001"), "the server")

    def _signal(self, process: subprocess.Popen[bytes], *, force: bool, wait: bool) -> None:
        """Jobs are numbered as a shell would: all commands of a page are one session to whoever reads it."""
        process.send_signal(signal.SIGKILL if force else signal.SIGTERM)
        if wait or force:
            process.wait(60)

    def _listens(self, port: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self._ports[port]))) == 0

    def end(self) -> None:
        for process in reversed(self._background):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._background:
            process.wait(20)


def _spaced(text: str) -> str:
    """With single blanks: how wide a column is depends on the ports."""
    return " ".join(text.split())
