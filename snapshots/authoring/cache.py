"""What unchanged files held when they were read last: a server that compiles 10,000 of which one changed reads one."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from snapshots.authoring.limits import MIB
from snapshots.authoring.pieces import Piece
from snapshots.model import Document

# A file costs a little even when it is empty: its key, its path, the objects around them.
_OVERHEAD_BYTES = 512

Pieces = tuple[Piece, ...]


class CompileCache:
    """The contents of the files read last, by path and content, up to `limit_bytes` of them. Safe to share by threads.

    One cache belongs to one EnvoyApi: what a file holds depends on the types that are known.
    """

    def __init__(self, limit_bytes: int = 128 * MIB) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        # Tuples, not documents: their hash and comparison are not Python's to run, 20,000 times a publication.
        self._kept: OrderedDict[tuple[str, bytes], Pieces] = OrderedDict()
        self._newest: dict[str, Pieces] = {}
        self._lock = Lock()

    def get(self, document: Document) -> Pieces | None:
        key = document.path, document.content
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def newest(self, path: str) -> Pieces:
        """What was put last of a file with this path, whatever it held."""
        return self._newest.get(path, ())

    def put(self, document: Document, pieces: Pieces) -> None:
        key = document.path, document.content
        with self._lock:
            if key not in self._kept:
                self._size_bytes += _weight(document.content)
            self._kept[key] = self._newest[document.path] = pieces
            while self._size_bytes > self._limit_bytes:
                (path, oldest), gone = self._kept.popitem(last=False)
                self._size_bytes -= _weight(oldest)
                if self._newest[path] is gone:
                    del self._newest[path]

    def __len__(self) -> int:
        return len(self._kept)


def _weight(content: bytes) -> int:
    return _OVERHEAD_BYTES + 2 * len(content)  # the file itself, and about as much again compiled
