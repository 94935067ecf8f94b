"""`fairlead gitops`: from a push to a real Envoy's ACK; what an unchanged look costs; a large repository at first.

A real git server (`git daemon`), server, etcd and Envoy, each a process of its own. A webhook says that there is
something to look at, so that no wait for the next look is in the figures.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.fairlead import FairleadServer
from bench.report import Report, children_of, cpu_s, memory_mib, percentile
from examples.demo.envoy import Envoy
from examples.demo.repository import GitRepository, git_daemon, run_git

ACK_LIMIT_S = 2.0
LOOK_LIMIT_MS = 10.0
FIRST_LIMIT_S, FIRST_LIMIT_MIB = 60.0, 500.0
STEADY_LIMIT_MIB = 120.0
DOCUMENTS, MANY_DOCUMENTS, MANY_COMMITS = 1_000, 10_000, 20_000
ROUNDS, LOOKS = 10, 20
SECRET = "bench"
DOCUMENT = """apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: cluster-{number}}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: cluster-{number}
  connect_timeout: {seconds}s
"""


async def run(report: Report) -> None:
    with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
        await _changes(report, Path(scratch))
    with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
        await _large(report, Path(scratch))


async def _changes(report: Report, scratch: Path) -> None:
    """One of 1,000 documents changed, again and again; then nothing, again and again."""
    repository = GitRepository(scratch / "git")
    files = {f"{number}.yaml": DOCUMENT.format(number=number, seconds=1) for number in range(DOCUMENTS)}
    repository.commit("Begin", files)
    async with _a_server(scratch) as server, _an_envoy(scratch, server):
        with git_daemon(repository) as url, _following(url, scratch, server) as sync:
            await sync.reaches(repository.git("rev-parse", "HEAD"))
            took_s = []
            for number in range(ROUNDS):
                pushed = repository.commit("Change", {"7.yaml": DOCUMENT.format(number=7, seconds=number + 2)})
                began_s = time.monotonic()
                sync.knock()
                await sync.reaches(pushed)
                took_s.append(time.monotonic() - began_s)
                await asyncio.sleep(1)
            report.figure("ack.median", percentile(took_s, 50), "s", limit=ACK_LIMIT_S)
            report.figure("ack.slowest", max(took_s), "s", limit=ACK_LIMIT_S)
            report.figure("steady.memory", sync.memory_mib(), "MiB", limit=STEADY_LIMIT_MIB)
            await _looks(report, sync)


async def _looks(report: Report, sync: Following) -> None:
    before_s = sync.cpu_s()
    for _ in range(LOOKS):
        looked_at_s = sync.status()["looked_at_s"]
        sync.knock()
        await sync.looked(after_s=looked_at_s)
    # What is asked of it to know that it has looked, a second time without looks.
    with_looks_s, before_s = sync.cpu_s() - before_s, sync.cpu_s()
    for _ in range(LOOKS):
        for _ in range(3):
            sync.status()
            await asyncio.sleep(0.2)
    asked_s = sync.cpu_s() - before_s
    report.figure("look.cpu", max(0.0, with_looks_s - asked_s) / LOOKS * 1000, "ms", limit=LOOK_LIMIT_MS)


async def _large(report: Report, scratch: Path) -> None:
    """10,000 documents behind 20,000 commits, for the first time."""
    repository = GitRepository(scratch / "git")
    run_git(repository.bare, "fast-import", "--quiet", data=b"".join(_history()))
    commit = run_git(repository.bare, "rev-parse", "main")
    async with _a_server(scratch) as server:
        with git_daemon(repository) as url:
            began_s = time.monotonic()
            with _following(url, scratch, server) as sync:
                peak_mib = await sync.reaches(commit)
                report.figure("first.time", time.monotonic() - began_s, "s", limit=FIRST_LIMIT_S)
                report.figure("first.memory", peak_mib, "MiB", limit=FIRST_LIMIT_MIB)


def _history() -> Iterator[bytes]:
    """In git's fast-import format: all documents at once, then commits that change one each."""
    for commit in range(MANY_COMMITS):
        message = f"Commit {commit}".encode()
        yield b"commit refs/heads/main\ncommitter A <a@example.com> %d +0000\n" % (1_700_000_000 + commit)
        yield b"data %d\n%b\n" % (len(message), message)
        numbers = range(MANY_DOCUMENTS) if commit == 0 else (commit % MANY_DOCUMENTS,)
        for number in numbers:
            text = DOCUMENT.format(number=number, seconds=commit % 50 + 1).encode()
            yield b"M 100644 inline %d/%d.yaml\ndata %d\n%b\n" % (number % 100, number, len(text), text)


@dataclass(slots=True)
class Following:
    """A running `fairlead gitops`."""

    process: subprocess.Popen[bytes]
    address: str

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{self.address}/status", timeout=30) as response:
            return json.load(response)["sources"][0]  # type: ignore[no-any-return]

    def knock(self) -> None:
        signature = "sha256=" + hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            f"http://{self.address}/webhooks/bench", b"", {"X-Hub-Signature-256": signature}, method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()

    async def reaches(self, commit: str) -> float:
        """Wait until the commit is served and every gateway has it; the most memory seen meanwhile, in MiB."""
        peak_mib = 0.0
        while True:
            peak_mib = max(peak_mib, self.memory_mib())
            status = await asyncio.to_thread(self.status)
            nodes = status["nodes"]
            if (status["commit"], status["state"]) == (commit, "synced") and nodes["acked"] == nodes["total"]:
                return peak_mib
            if status["state"] == "refused":
                raise RuntimeError(f"refused: {status}")
            await asyncio.sleep(0.02)

    async def looked(self, *, after_s: float) -> None:
        """Wait for the end of a look."""
        for _ in range(1_000):
            if self.status()["looked_at_s"] > after_s:
                return
            await asyncio.sleep(0.2)
        raise RuntimeError("it looks no more")

    def memory_mib(self) -> float:
        return sum(map(memory_mib, (self.process.pid, *children_of(self.process.pid))))

    def cpu_s(self) -> float:
        return sum(map(cpu_s, (self.process.pid, *children_of(self.process.pid))))


@contextmanager
def _following(url: str, scratch: Path, server: FairleadServer) -> Iterator[Following]:
    settings, secret, ready = (scratch / name for name in ("gitops.toml", "secret", "gitops.json"))
    secret.write_text(SECRET)
    settings.write_text(
        f'[[source]]\nname = "bench"\nurl = "{url}"\npoll_s = 3600\nwebhook_secret_file = "{secret}"\n'
        'workspace = "bench"\ngroup = "bench"\n'
    )
    command = (
        sys.executable, "-m", "api.cli.main", "gitops", "--config", str(settings), "--server", server.management,
        "--http-address=127.0.0.1:0", f"--data-dir={scratch}", f"--ready-file={ready}", "--log-level=error",
    )  # fmt: skip
    process = subprocess.Popen(command)
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise RuntimeError("fairlead gitops did not start")
            time.sleep(0.02)
        yield Following(process, json.loads(ready.read_text())["http"])
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def _a_server(scratch: Path) -> AsyncIterator[FairleadServer]:
    server = await FairleadServer.start(scratch / "server")
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def _an_envoy(scratch: Path, server: FairleadServer) -> AsyncIterator[Envoy]:
    envoy = await asyncio.to_thread(Envoy.start, scratch / "envoy", server.xds, "edge-1", "bench")
    try:
        yield envoy
    finally:
        await asyncio.to_thread(envoy.stop)
