"""`fairlead gitops` for tests: as a process with its status, knocks at it, and its end by process id; or its loops in
the test's own process, where the process is not the point."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.gitops.git_process import GitProcess
from agents.gitops.schedule import Pace
from agents.gitops.settings import read_sources
from agents.gitops.source_loop import SourceLoop
from agents.gitops.sources import Source
from api.management.client import ManagementClient
from tests.edges import eventually
from tests.spine import FAIRLEAD, ROOT, ChildProcess, ServerProcess, wait_for

SECRET = "webhook-canary"
SECRET_HERE = "SECRET_HERE"
QUICK = Pace(pause_s=0.05, heartbeat_s=0.5)


class GitOpsProcess(ChildProcess):
    """Follows one or more sources; `settings` is the TOML of --config."""

    def __init__(self, directory: Path, server: ServerProcess, settings: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log = directory / "gitops.log"
        self._settings, self._ready = directory / "gitops.toml", directory / "ready.json"
        self._settings.write_text(settings.replace(SECRET_HERE, str(self._secret())))
        self._server = server

    def _secret(self) -> Path:
        path = self.directory / "webhook-secret"
        path.write_text(SECRET)
        return path

    def __enter__(self) -> GitOpsProcess:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> GitOpsProcess:
        self._ready.unlink(missing_ok=True)
        command = (
            *FAIRLEAD, "gitops", "--config", str(self._settings), "--server", self._server.management,
            "--http-address", "127.0.0.1:0", "--data-dir", str(self.directory), "--ready-file", str(self._ready),
        )  # fmt: skip
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=ROOT)
        wait_for(lambda: self._ready.exists() or self._process.poll() is not None, "fairlead gitops")  # type: ignore[union-attr]
        assert self._process.poll() is None, self.log.read_text()
        return self

    def stop(self) -> None:
        """SIGTERM; it ends with 0."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(60) == 0, self.log.read_text()

    def status(self, source: str = "shop") -> dict[str, Any]:
        """What /status says of a source; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self._address()}/status", timeout=30) as response:
                shown = json.load(response)["sources"]
        except OSError:
            return {}
        return next(each for each in shown if each["name"] == source)  # type: ignore[no-any-return]

    def reaches(self, state: str, *, commit: str = "", source: str = "shop") -> dict[str, Any]:
        """Knock, and wait until a source is in a state (at a commit); its status."""
        self.knock(SECRET, source=source)

        def there() -> bool:
            status = self.status(source)
            return bool(status) and status["state"] == state and status["commit"].startswith(commit)

        try:
            wait_for(there, f"{source} {state} at {commit[:12]}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.status(source)}\n{self.log.read_text()}") from None
        return self.status(source)

    def knock(self, secret: str, body: bytes = b"{}", source: str = "shop", signature: str = "") -> int:
        """A webhook as GitHub sends it; the HTTP status."""
        signed = signature or "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            f"http://{self._address()}/webhooks/{source}", body, {"X-Hub-Signature-256": signed}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def _address(self) -> str:
        return str(json.loads(self._ready.read_text())["http"])


@dataclass(frozen=True)
class Following:
    """Sources that are followed in this process."""

    loops: tuple[SourceLoop, ...]

    def status(self, source: str = "shop") -> dict[str, Any]:
        """What /status would say of a source."""
        return self.loop(source).status.document()

    async def reaches(
        self, state: str, *, commit: str = "", source: str = "shop", knock: bool = True
    ) -> dict[str, Any]:
        """Knock, and wait until a source is in a state (at a commit); its status."""
        if knock:
            self.loop(source).knock()

        def there() -> bool:
            status = self.status(source)
            return status["state"] == state and status["commit"].startswith(commit)

        try:
            await eventually(there, f"{source} {state} at {commit[:12]}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.status(source)}") from None
        return self.status(source)

    def loop(self, source: str) -> SourceLoop:
        return next(each for each in self.loops if each.source.name == source)


@asynccontextmanager
async def following(
    directory: Path,
    management: str,
    *sources: str,
    now_s: Callable[[], float] = time.time,
    timeout_s: float = 30.0,
    pace: Pace = QUICK,
) -> AsyncIterator[Following]:
    """Follow `sources` (TOML, see `a_source`) into the server at `management` until the block ends. `directory` is the
    data directory, and names the holder: another one is another `fairlead gitops`."""
    read = _read(directory, "\n".join(sources))
    async with ManagementClient(management, timeout_s) as client:
        gits = [GitProcess(one, directory / one.name) for one in read]
        loops = [SourceLoop(git.source, git, client, str(directory), now_s, pace) for git in gits]
        tasks = [asyncio.create_task(each.run()) for each in loops]
        try:
            yield Following(tuple(loops))
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


def _read(directory: Path, settings: str) -> tuple[Source, ...]:
    directory.mkdir(parents=True, exist_ok=True)
    secret, path = directory / "webhook-secret", directory / "gitops.toml"
    secret.write_text(SECRET)
    path.write_text(settings.replace(SECRET_HERE, str(secret)))
    return read_sources(path)


def a_source(url: str, name: str = "shop", **more: object) -> str:
    """One [[source]] of the settings, that can be knocked at; a poll a second unless `more` says otherwise."""
    fields: dict[str, object] = {"name": name, "url": url, "path": "production", "workspace": name, "poll_s": 1}
    fields |= {"webhook_secret_file": SECRET_HERE, **more}
    return "[[source]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())
