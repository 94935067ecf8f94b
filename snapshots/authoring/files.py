"""The I/O edge of authoring: directories, files and standard input -> documents, and nothing else a path may lead to.

What cannot be read is a finding each; they come together in one InvalidConfig. What may be read of one path is in
`regular_files`, which paths of a directory in `walking`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from api.errors import Finding
from snapshots.authoring.limits import FILE_LIMIT_BYTES
from snapshots.authoring.regular_files import Unreadable, document_at, refusal
from snapshots.authoring.walking import name_below, walk
from snapshots.authoring.workspace import STDIN_PATH
from snapshots.model import Document

STDIN = Path("-")


def read_documents(paths: Sequence[Path], *, stdin: BinaryIO | None = None) -> tuple[Document, ...]:
    """The documents under `paths`, each once, by path: files, `*.yaml` and `*.yml` of directories, `-` for stdin.

    A document's path is relative to what all `paths` have in common: for one directory, the directory itself. Files
    and directories whose names begin with a dot are left out. Raises InvalidConfig: a finding for each unreadable one.
    """
    reading = _Reading(_common_directory([path for path in paths if path != STDIN]))
    for path in paths:
        if path == STDIN:
            reading.stdin(stdin or sys.stdin.buffer)
        else:
            reading.path(path)
    if reading.findings:
        raise refusal(reading.findings)
    return tuple(reading.documents[name] for name in sorted(reading.documents))


class _Reading:
    """What has been read so far, and what could not be."""

    def __init__(self, top: str) -> None:
        self._top = top
        self.documents: dict[str, Document] = {}
        self.findings: list[Finding] = []

    def stdin(self, stream: BinaryIO) -> None:
        content = stream.read(FILE_LIMIT_BYTES + 1)
        if len(content) > FILE_LIMIT_BYTES:
            self._refuse(STDIN_PATH, Unreadable.too_large())
        self.documents[STDIN_PATH] = Document(STDIN_PATH, content)

    def path(self, path: Path) -> None:
        """One path that was asked for by name: it may be a link, and its name may end in anything."""
        absolute = os.path.abspath(path)
        try:
            mode = os.stat(absolute).st_mode
        except OSError as error:
            self._refuse(str(path), Unreadable.of(error))
            return
        if stat.S_ISDIR(mode):
            self._directory(absolute)
        else:
            self._read(absolute, within="")

    def _directory(self, directory: str) -> None:
        walked, within = walk(directory), os.path.realpath(directory)
        for path, why in walked.refused.items():
            self._refuse(self._shown(path), why)
        for path in walked.files:
            self._read(path, within=within)

    def _read(self, absolute: str, *, within: str) -> None:
        name = self._shown(absolute)
        if name in self.documents:
            return
        found = document_at(absolute, name, within)
        if isinstance(found, Document):
            self.documents[name] = found
        else:
            self.findings.append(found)

    def _shown(self, absolute: str) -> str:
        return name_below(self._top, absolute)

    def _refuse(self, name: str, why: Unreadable) -> None:
        self.findings.append(why.finding(name))


def _common_directory(paths: Sequence[Path]) -> str:
    """What document paths are relative to: the nearest directory that holds them all."""
    directories = [os.path.abspath(path if path.is_dir() else path.parent) for path in paths]
    return os.path.commonpath(directories) if directories else os.getcwd()
