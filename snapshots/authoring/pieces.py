"""A file of many YAML documents, read piece by piece: what stands in it as it did before is not read again. Pure.

A line that begins with `---` ends a document wherever it stands, so that each part can be read alone. Only where
nothing is wrong: what is said of a mistake may depend on the rest of the file, and then that is read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from snapshots.authoring.contents import Contents, read_contents
from snapshots.authoring.limits import DOCUMENTS_PER_FILE_LIMIT, FILE_LIMIT_BYTES
from snapshots.authoring.source import LINE_BREAK
from snapshots.model import Document

_BEGINS = re.compile(rb"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a file. `begins`: how many lines are before it; `contents` have the places of the whole file."""

    content: bytes
    begins: int
    lines: int
    contents: Contents


def read_pieces(api: EnvoyApi, document: Document, before: Iterable[Piece] = ()) -> tuple[Piece, ...]:
    """All that is in `document`, of whose path `before` was read. Never raises for what is in it."""
    parts = tuple(_parts(document.content))
    if 1 < len(parts) <= DOCUMENTS_PER_FILE_LIMIT and len(document.content) <= FILE_LIMIT_BYTES:
        pieces = _sound(api, document.path, parts, before)
        if len(pieces) == len(parts):
            return pieces
    return (Piece(document.content, 0, 0, read_contents(api, document)),)


def _parts(content: bytes) -> Iterator[bytes]:
    start = 0
    for found in _BEGINS.finditer(content):
        if found.start() > start:
            yield content[start : found.start()]
            start = found.start()
    yield content[start:]


def _sound(api: EnvoyApi, path: str, parts: tuple[bytes, ...], before: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces up to the first in which something is wrong."""
    known = {each.content: each for each in before}
    pieces: list[Piece] = []
    begins = 0
    for part in parts:
        piece = _piece(api, path, part, begins, known.get(part))
        if piece.contents.findings:
            break
        pieces.append(piece)
        begins += piece.lines
    return tuple(pieces)


def _piece(api: EnvoyApi, path: str, part: bytes, begins: int, known: Piece | None) -> Piece:
    if known is None:
        contents = read_contents(api, Document(path, part))
        lines = len(LINE_BREAK.findall(part.decode("utf-8", "replace")))
        return Piece(part, begins, lines, contents.moved(begins))
    if known.begins == begins:
        return known
    return Piece(part, begins, known.lines, known.contents.moved(begins - known.begins))
