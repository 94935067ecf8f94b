"""The parent's side of a worker: started when first needed, ended when it takes too long, started again next time."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from agents.gitops import git_messages as said
from agents.gitops.sources import Source
from api.errors import Denied, FairleadError, Finding, InvalidConfig
from snapshots.model import Document

_ENVIRONMENT_KEPT = ("PATH", "HOME", "LANG", "https_proxy", "http_proxy", "no_proxy", "all_proxy", "SSL_CERT_FILE")


class RepositoryTrouble(FairleadError):
    """The repository cannot be asked, or what it sent cannot be read. `again`: worth trying without a change."""

    status = "UNAVAILABLE"
    exit_code = 4

    def __init__(self, message: str, *, again: bool = True, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message, findings=findings)
        self.again = again


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit and its documents, sorted by path, as they would be under the source's path. No file was written."""

    commit: str
    author: str
    message: str
    committed_at_s: int
    follows: bool | None
    documents: tuple[Document, ...]


@dataclass(slots=True)
class GitProcess:
    """One source's worker. `directory` is its store. Use from one task; `close` ends it."""

    source: Source
    directory: Path
    limits: said.Limits = field(default_factory=said.Limits)
    _process: Process | None = None
    _documents: dict[tuple[str, str], Document] = field(default_factory=dict)

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    async def look(self) -> str:
        """The commit that the source names now. Raises RepositoryTrouble."""
        answer = await self._ask(said.Look(self.source.reference, self._token()), self.limits.look_s)
        assert isinstance(answer, said.Seen)
        return answer.commit

    async def fetch(self, commit: str, before: str) -> Checkout:
        """A commit's documents; `before` is the commit followed until now. Raises RepositoryTrouble, with a finding
        for each file that cannot be read."""
        request = said.Fetch(self.source.reference, commit, self.source.path, before, self._token())
        answer = await self._ask(request, self.limits.fetch_s)
        assert isinstance(answer, said.Fetched)
        if answer.findings:
            count = len(answer.findings)
            what = "a file" if count == 1 else f"{count} files"
            raise RepositoryTrouble(
                f"{what} of commit {commit[:12]} cannot be read", again=False, findings=tuple(answer.findings)
            )
        return Checkout(
            commit=answer.commit,
            author=answer.author,
            message=answer.message,
            committed_at_s=answer.committed_at_s,
            follows=answer.follows,
            documents=self._kept(answer),
        )

    async def close(self) -> None:
        """End the worker. Idempotent."""
        process, self._process = self._process, None
        self._documents = {}
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _kept(self, answer: said.Fetched) -> tuple[Document, ...]:
        """Unchanged documents are the same objects as before: what compares them need not look inside."""
        before, self._documents = self._documents, {}
        contents = {blob: document.content for (_, blob), document in before.items()} | answer.contents
        for entry in answer.entries:
            key = entry.path, entry.blob
            self._documents[key] = before.get(key) or Document(entry.path, contents[entry.blob])
        return tuple(self._documents.values())

    async def _ask(self, request: said.Request, deadline_s: float) -> said.Seen | said.Fetched:
        try:
            async with asyncio.timeout(deadline_s):
                process = await self._running()
                answer = await _exchanged(process, request)
        except TimeoutError:
            await self.close()
            raise RepositoryTrouble(f"the repository did not answer within {deadline_s:g} s") from None
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            await self.close()
            raise RepositoryTrouble("reading the repository took more than is allowed, and was ended") from None
        except asyncio.CancelledError:
            await self.close()  # half an exchange leaves an answer in the pipe that nobody asked for
            raise
        if isinstance(answer, said.Failed):
            raise RepositoryTrouble(answer.message, again=answer.again)
        return answer

    async def _running(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self.close()
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agents.gitops.worker", stdin=PIPE, stdout=PIPE, env=_environment()
        )
        assert process.stdin is not None
        assignment = said.Assignment(str(self.directory), self.source.remote, self.limits)
        process.stdin.write(msgspec.json.encode(assignment) + b"\n")
        return process

    def _token(self) -> str:
        """Read each time: who renews a token writes the file, and nobody restarts anything."""
        return read_secret(self.source.remote.token_file, "token_file")


async def _exchanged(process: Process, request: said.Request) -> said.Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(said.framed(request))
    await process.stdin.drain()
    (length,) = said.LENGTH.unpack(await process.stdout.readexactly(said.LENGTH.size))
    if length > said.MESSAGE_LIMIT_BYTES:
        raise msgspec.DecodeError("an answer larger than any should be")
    answer: said.Answer = said.answers.decode(await process.stdout.readexactly(length))
    return answer


def read_secret(path: str, what: str) -> str:
    """What a file of one line holds; empty without a file. Raises Denied, InvalidConfig; never repeats content."""
    if not path:
        return ""
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except PermissionError:
        raise Denied(f"{what} {path} may not be read by this user") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidConfig(f"{what} {path} cannot be read; it holds the secret and nothing else") from None
    if not secret or "\n" in secret:
        raise InvalidConfig(f"{what} {path} must hold one line: the secret and nothing else")
    return secret


def _environment() -> dict[str, str]:
    """What git over a network needs, and no secret that the parent may have been started with."""
    kept = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT_KEPT or name.startswith("LC_")}
    return kept | {"GIT_TERMINAL_PROMPT": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
