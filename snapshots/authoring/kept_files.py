"""The files of one workspace, as they were when they were compiled last: what did not change is not read again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from snapshots.authoring.contents import Contents
from snapshots.authoring.pieces import Piece
from snapshots.difference import difference
from snapshots.model import Document

# Files are told apart by path; of two of one path, which only a caller by hand can give, by their content.
_Key = tuple[str, bytes]
Pieces = tuple[Piece, ...]


class KeptFiles:
    """`read`: the pieces of a document; given those of the file of that path before, if there was one."""

    def __init__(self, read: Callable[[Document, Pieces], Pieces]) -> None:
        self._read = read
        self._documents: tuple[Document, ...] = ()
        self._pieces: dict[_Key, Pieces] = {}
        self._notable: dict[_Key, Pieces] = {}
        self._by_path: dict[str, bytes] = {}
        self.size_bytes = 0

    @property
    def count(self) -> int:
        return len(self._pieces)

    def part(self, path: str, line: int) -> tuple[bytes, int]:
        """The piece of a file in which a line is, and how many lines are before it."""
        pieces = self._pieces[path, self._by_path[path]]
        found = pieces[max(bisect_right(pieces, line - 1, key=_begins) - 1, 0)]
        return found.content, found.begins

    def all(self) -> Sequence[Contents]:
        """In their order."""
        return _in_order(self._pieces)

    @property
    def notable(self) -> Sequence[Contents]:
        """In their order, those that there is more to say of than what they hold."""
        return [each for each in _in_order(self._notable) if each.is_notable]

    def change(self, documents: Iterable[Document]) -> tuple[tuple[Contents, ...], tuple[Contents, ...]]:
        """What is gone and what is new, with these documents in place of those before."""
        files = tuple(documents)
        differing = difference(self._documents, files)
        gone = {_key(each): each for each in differing.gone}
        new = {_key(each): each for each in differing.new}
        self._documents = files
        before = [self._taken(key) for key in gone if key not in new]
        self._by_path.update(sorted(new))
        of_path = {path: pieces for (path, _), pieces in before}
        after = [self._put(key, new[key], of_path.get(key[0], ())) for key in sorted(new) if key not in gone]
        found = difference(_contents(pieces for _, pieces in before), _contents(after))
        return found.gone, found.new

    def _taken(self, key: _Key) -> tuple[_Key, Pieces]:
        self._notable.pop(key, None)
        self._by_path.pop(key[0], None)
        self.size_bytes -= len(key[1])
        return key, self._pieces.pop(key)

    def _put(self, key: _Key, document: Document, before: Pieces) -> Pieces:
        found = self._pieces[key] = self._read(document, before)
        self.size_bytes += len(document.content)
        if any(piece.contents.is_notable for piece in found):
            self._notable[key] = found
        return found


def _begins(piece: Piece) -> int:
    return piece.begins


def _in_order(pieces: dict[_Key, Pieces]) -> tuple[Contents, ...]:
    return _contents(each for _, each in sorted(pieces.items(), key=lambda item: item[0]))


def _contents(every: Iterable[Pieces]) -> tuple[Contents, ...]:
    return tuple(piece.contents for pieces in every for piece in pieces)


def _key(document: Document) -> _Key:
    return document.path, document.content
