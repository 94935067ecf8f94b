"""Documents that a server was sent lately, by digest: what did not change need not be sent again. No I/O here.

The client's half is `Sent`, the server's `RecentDocuments`. Both may forget at any time: then all is sent once more.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from snapshots.model import Document

DIGEST_BYTES = 32
_OVERHEAD_BYTES = 512  # a document costs a little even when it is empty


def digest_of(document: Document) -> bytes:
    """SHA-256 of path and content: DIGEST_BYTES bytes. The length of the path keeps the two apart."""
    path = document.path.encode()
    return hashlib.sha256(b"%d %b%b" % (len(path), path, document.content)).digest()


class RecentDocuments:
    """The documents of the last uploads, up to `limit_bytes` of them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[bytes, Document] = OrderedDict()

    def add(self, documents: Iterable[Document]) -> None:
        for document in documents:
            digest = digest_of(document)
            if digest not in self._kept:
                self._size_bytes += _weight(document)
            self._kept[digest] = document
        while self._size_bytes > self._limit_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size_bytes -= _weight(oldest)

    def find(self, digest: bytes) -> Document | None:
        found = self._kept.get(digest)
        if found is not None:
            self._kept.move_to_end(digest)
        return found


class Sent:
    """What one client has sent to its server, by path: content and digest."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, bytes]] = {}

    def split(self, documents: Sequence[Document]) -> tuple[list[bytes], list[Document]]:
        """The digests of those that the server should have, and the others."""
        digests, others = [], []
        for document in documents:
            kept = self._kept.get(document.path)
            if kept is not None and kept[0] == document.content:
                digests.append(kept[1])
            else:
                others.append(document)
        return digests, others

    def add(self, documents: Iterable[Document]) -> None:
        for document in documents:
            self._kept[document.path] = document.content, digest_of(document)

    def forget(self) -> None:
        self._kept.clear()


def _weight(document: Document) -> int:
    return _OVERHEAD_BYTES + len(document.content)
