"""The worker process: it asks one repository, on request, and dies when its parent does.

Everything that a repository sends is read here: with a bound on memory, without a way to the management API, and ended
from outside when it takes too long. Requests come on standard input, answers go to standard output.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from agents.gitops import git_messages as said
from agents.gitops.repository import DEPTHS, GitTrouble, Repository
from agents.gitops.signatures import signature_problem
from agents.gitops.trees import NoSuchDirectory, TreeReader
from api.errors import Finding


class Worker:
    """What it remembers between requests: the store, directories read, and which contents its parent has."""

    def __init__(self, assignment: said.Assignment) -> None:
        self._remote, self._limits = assignment.remote, assignment.limits
        self._repository = repository = Repository(
            Path(assignment.directory), assignment.remote, assignment.limits.pack_bytes
        )
        self._trees = TreeReader(repository.tree, repository.size_bytes)
        self._sent: set[str] = set()

    def answer(self, request: said.Request) -> said.Answer:
        """Never raises for what a repository does."""
        try:
            if isinstance(request, said.Look):
                return said.Seen(self._repository.resolve(request.reference, request.token))
            return self._fetched_from_any_store(request)
        except GitTrouble as trouble:
            return said.Failed(trouble.message, trouble.again)
        except MemoryError:
            return said.Failed("the repository holds more than is taken into memory", again=False)

    def _fetched_from_any_store(self, request: said.Fetch) -> said.Answer:
        """What is damaged may be the store of an earlier day and not what the repository sent: once more without it."""
        try:
            return self._fetched(request)
        except GitTrouble as trouble:
            if not trouble.broken:
                raise
        self._repository.forget()
        return self._fetched(request)

    def _fetched(self, request: said.Fetch) -> said.Answer:
        follows = self._bring(request)
        record = self._repository.commit(request.commit)
        if problem := signature_problem(self._remote, record.signed):
            return said.Failed(f"commit {request.commit[:12]} is not taken: {problem}", again=False)
        findings: list[Finding] = []
        try:
            entries, findings = self._trees.documents(record.tree, request.path)
        except NoSuchDirectory:
            text = f'commit {request.commit[:12]} has no directory "{request.path}"; what is served stays as it is'
            return said.Failed(text, again=False)
        return said.Fetched(
            commit=request.commit,
            author=record.author,
            message=record.message,
            committed_at_s=record.committed_at_s,
            follows=follows,
            entries=entries,
            contents={} if findings else self._contents(entries),
            findings=findings,
        )

    def _bring(self, request: said.Fetch) -> bool | None:
        """Fetch what is missing; whether the commit descends from the one before."""
        repository, before = self._repository, request.before
        if not repository.has(request.commit):
            repository.fetch(request.reference, request.commit, request.token, depth=DEPTHS[0])
        if not before or before == request.commit:
            return True
        for depth in DEPTHS[1:]:
            if (follows := repository.descends(request.commit, before)) is not None:
                return follows
            repository.fetch(request.reference, request.commit, request.token, depth=depth)
        return repository.descends(request.commit, before)

    def _contents(self, entries: list[said.Entry]) -> dict[str, bytes]:
        """Those that the parent does not have. Raises GitTrouble beyond the limit."""
        contents: dict[str, bytes] = {}
        size_bytes = 0
        for entry in entries:
            if entry.blob in self._sent or entry.blob in contents:
                continue
            contents[entry.blob] = content = self._repository.blob(entry.blob)
            size_bytes += len(content)
            if size_bytes > self._limits.documents_bytes:
                words = f"documents of more than {self._limits.documents_bytes >> 20} MiB are not taken"
                raise GitTrouble(words, again=False)
        # What is not in this commit the parent lets go of as well.
        self._sent = {entry.blob for entry in entries}
        return contents


def serve(read: BinaryIO, write: BinaryIO, answer: Callable[[said.Request], said.Answer]) -> None:
    """Until the parent closes its end."""
    while len(head := read.read(said.LENGTH.size)) == said.LENGTH.size:
        (length,) = said.LENGTH.unpack(head)
        write.write(said.framed(answer(said.requests.decode(read.read(length)))))
        write.flush()


def main() -> None:
    """`python -m agents.gitops.worker`: what it is for comes as one JSON line, before the requests."""
    assignment = msgspec.json.decode(sys.stdin.buffer.readline(), type=said.Assignment)
    limit_bytes = assignment.limits.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer, Worker(assignment).answer)


if __name__ == "__main__":
    main()
