"""A commit's tree -> the documents below a directory of it, and what there is not read. No I/O of its own.

Only regular files are documents. Nothing is ever written out, so that no name can lead anywhere; names that try to are
refused all the same, because people will check the repository out.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from agents.gitops.git_messages import Entry
from api.errors import Finding
from snapshots.authoring.limits import FILE_LIMIT_BYTES, FILES_LIMIT, MIB
from snapshots.authoring.printable import printable
from snapshots.authoring.walking import SUFFIXES
from snapshots.codes import FILE_IRREGULAR, FILE_NAME_UNPRINTABLE, FILE_TOO_LARGE, LINK_LEADS_OUT, TOO_MANY_FILES

DEPTH_LIMIT = 64
_SUBMODULE = 0o160000


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a git tree object."""

    name: bytes
    mode: int
    object_id: str


Tree = Callable[[str], Iterable[TreeEntry]]
Size = Callable[[str], int]


@dataclass(slots=True)
class TreeReader:
    """`tree`: the entries of a tree by its id. `size_bytes`: of a blob, without reading it.

    What a directory holds is kept by its id: a commit that changes one of many directories costs that one.
    """

    tree: Tree
    size_bytes: Size
    _kept: dict[str, _Directory] = field(default_factory=dict)

    def documents(self, root: str, path: str) -> tuple[list[Entry], list[Finding]]:
        """Documents and findings below `path` of the tree `root`, by path. Raises NoSuchDirectory."""
        reading = _Reading(self)
        reading.walk(self._descend(root, path))
        self._kept = reading.seen
        return reading.entries, reading.findings

    def directory(self, object_id: str) -> _Directory:
        return self._kept.get(object_id) or _sorted_out(self.tree(object_id), self.size_bytes)

    def _descend(self, root: str, path: str) -> str:
        for part in path.split("/") if path else ():
            found = (each for each in self.tree(root) if each.name == part.encode() and stat.S_ISDIR(each.mode))
            entry = next(found, None)
            if entry is None:
                raise NoSuchDirectory(path)
            root = entry.object_id
        return root


class NoSuchDirectory(Exception):
    """The commit has no such directory: it vanished, or never was."""


@dataclass(frozen=True, slots=True)
class _Directory:
    """One tree object sorted out; names are relative to it."""

    directories: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


class _Reading:
    """One walk through a commit."""

    def __init__(self, reader: TreeReader) -> None:
        self._reader = reader
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self.seen: dict[str, _Directory] = {}

    def walk(self, root: str) -> None:
        waiting = [("", root, 0)]
        while waiting:
            prefix, object_id, depth = waiting.pop()
            directory = self._reader.directory(object_id)
            self.seen[object_id] = directory
            self.entries.extend(Entry(prefix + name, blob) for name, blob in directory.files)
            self.findings.extend(_below(prefix, each) for each in directory.findings)
            if problem := self._too_much(prefix, depth):
                self.findings.append(problem)
                return
            waiting.extend((f"{prefix}{name}/", tree, depth + 1) for name, tree in directory.directories)
        self.entries.sort(key=lambda entry: entry.path)

    def _too_much(self, prefix: str, depth: int) -> Finding | None:
        if len(self.entries) > FILES_LIMIT:
            text = f"more than {FILES_LIMIT:,} documents below this directory"
            return Finding(TOO_MANY_FILES, text, path=prefix, suggestion="follow a smaller one")
        if depth > DEPTH_LIMIT:
            text = f"directories nested more than {DEPTH_LIMIT} deep"
            return Finding(TOO_MANY_FILES, text, path=prefix, suggestion="flatten them")
        return None


def _sorted_out(tree: Iterable[TreeEntry], size_bytes: Size) -> _Directory:
    directories, files, findings = [], [], []
    for each in tree:
        name = _name(each.name)
        if name in (".", "..") or "/" in name or not name.isprintable():
            text = "a name that is no name of a file, or cannot be printed"
            findings.append(Finding(FILE_NAME_UNPRINTABLE, text, path=printable(name), suggestion="rename it"))
        elif name.startswith("."):
            continue
        elif stat.S_ISDIR(each.mode):
            directories.append((name, each.object_id))
        else:
            problem = next(_problems(each, name, size_bytes), None)
            if problem is not None:
                findings.append(problem)
            elif name.endswith(SUFFIXES):
                files.append((name, each.object_id))
    return _Directory(tuple(directories), tuple(files), tuple(findings))


def _problems(entry: TreeEntry, name: str, size_bytes: Size) -> Iterator[Finding]:
    if entry.mode == _SUBMODULE:
        text = "a submodule is not followed"
        yield Finding(FILE_IRREGULAR, text, path=name, suggestion="follow that repository as a source of its own")
    elif not name.endswith(SUFFIXES):
        return
    elif stat.S_ISLNK(entry.mode):
        yield Finding(LINK_LEADS_OUT, "a symbolic link is not followed", path=name, suggestion="commit the file itself")
    elif not stat.S_ISREG(entry.mode):
        yield Finding(FILE_IRREGULAR, "this is not a regular file", path=name, suggestion="commit a regular file")
    elif size_bytes(entry.object_id) > FILE_LIMIT_BYTES:
        text = f"the file is larger than {FILE_LIMIT_BYTES // MIB} MiB"
        yield Finding(FILE_TOO_LARGE, text, path=name, suggestion="split it")


def _name(raw: bytes) -> str:
    """What is not UTF-8 cannot be printed, and is refused for that."""
    return raw.decode("utf-8", "surrogateescape")


def _below(prefix: str, finding: Finding) -> Finding:
    if not prefix:
        return finding
    return Finding(finding.code, finding.message, path=prefix + finding.path, suggestion=finding.suggestion)
