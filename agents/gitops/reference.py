"""The documents of a directory on this disk as a reference of its own repository has them. Nothing is checked out.

Reads, by the rules of `trees`, and writes nothing; needs no git program, no network and no server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dulwich.errors import NotGitRepository
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.objectspec import parse_commit
from dulwich.repo import Repo

from agents.gitops.repository import tree_entries
from agents.gitops.trees import NoSuchDirectory, TreeEntry, TreeReader
from api.errors import Finding, InvalidConfig
from snapshots.authoring.printable import printable
from snapshots.model import Document


@dataclass(frozen=True, slots=True)
class Referred:
    """What `reference` has of a directory: `documents` by their paths below it. `is_new`: it has no such directory.
    `findings`: what there is not read."""

    reference: str
    commit: str
    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_new: bool = False


def documents_at(directory: Path, reference: str) -> Referred:
    """`reference`: a branch, a remote one (origin/main), a tag, a commit or the beginning of one. Raises InvalidConfig
    where `directory` is in no repository, or this has no such reference, or not all of its objects."""
    with _opened(directory) as repo:
        commit = _commit(repo, reference)
        name = commit.id.decode("ascii")
        below = os.path.relpath(os.path.realpath(directory), os.path.realpath(repo.path))
        with _whole(reference):
            return _documents(_Objects(repo), name, commit, reference, "" if below == "." else below)


def _documents(objects: _Objects, name: str, commit: Commit, reference: str, path: str) -> Referred:
    reader = TreeReader(objects.tree, lambda blob: len(objects.blob(blob)))
    try:
        entries, findings = reader.documents(commit.tree.decode("ascii"), path.replace(os.sep, "/"))
    except NoSuchDirectory:
        return Referred(reference, name, is_new=True)
    documents = tuple(Document(each.path, objects.blob(each.blob)) for each in entries)
    return Referred(reference, name, documents, tuple(findings))


@dataclass(frozen=True, slots=True)
class _Objects:
    repo: Repo

    def tree(self, object_id: str) -> list[TreeEntry]:
        return tree_entries(self._found(object_id, Tree))

    def blob(self, object_id: str) -> bytes:
        content: bytes = self._found(object_id, Blob).as_raw_string()
        return content

    def _found(self, object_id: str, kind: type[Tree | Blob]) -> Any:
        found = self.repo[ObjectID(object_id.encode())]
        if not isinstance(found, kind):
            raise KeyError(object_id)
        return found


@contextmanager
def _opened(directory: Path) -> Iterator[Repo]:
    """Raises InvalidConfig for what is in no repository, or in one that has no files."""
    try:
        repo = Repo.discover(str(directory))
    except NotGitRepository:
        raise InvalidConfig(f"{directory} is in no git repository, which --against compares with") from None
    except (OSError, ValueError) as error:
        words = printable(str(error)) or type(error).__name__
        raise InvalidConfig(f"the git repository of {directory} cannot be read: {words}") from None
    with repo:
        if repo.bare:
            raise InvalidConfig(f"{directory} is in a bare git repository; give a directory of a work tree")
        yield repo


def _commit(repo: Repo, reference: str) -> Commit:
    try:
        return parse_commit(repo, reference)
    except (KeyError, ValueError):
        text = f'the git repository {repo.path} has no branch, tag or commit "{printable(reference)}"'
    if repo.get_shallow():
        raise InvalidConfig(f"{text}: this clone is shallow; fetch it with its history (in a job: `fetch-depth: 0`)")
    raise InvalidConfig(f"{text}; `git fetch` brings what a remote has; its main is origin/main")


@contextmanager
def _whole(reference: str) -> Iterator[None]:
    """A clone made with a filter has not all objects, and only git can fetch them."""
    try:
        yield
    except KeyError:
        words = f"this clone has not all files of {printable(reference)}; clone it without a filter"
        raise InvalidConfig(words) from None
