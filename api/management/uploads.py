"""Documents on their way in: a header, then chunks, within caps. What arrives is bytes; nothing is read of it here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import attrgetter

from api.errors import FairleadError, InvalidConfig, LimitExceeded, NotFound, TimedOut
from api.management.recent import DIGEST_BYTES, RecentDocuments
from api.management.v1 import management_pb2 as pb
from snapshots.model import Document

TOTAL_LIMIT_BYTES = 64 * 1024 * 1024
DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024
DOCUMENTS_LIMIT = 100_000
PATH_LIMIT_CHARACTERS = 1024
PATIENCE_S = 120.0
LET_GO_S = 5.0
LET_GO_BYTES = TOTAL_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Upload:
    header: pb.UploadHeader
    documents: tuple[Document, ...]

    @property
    def size_bytes(self) -> int:
        return sum(map(len, map(attrgetter("content"), self.documents)))


@dataclass(slots=True)
class _Assembly:
    """Documents being put together from their chunks, which come in order, one document after the other."""

    documents: dict[str, Document] = field(default_factory=dict)
    path: str = ""
    sent: list[Document] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    document_bytes: int = 0
    total_bytes: int = 0

    def add(self, chunk: pb.DocumentChunk) -> None:
        if not self.parts:
            self._begin(chunk.path)
        elif chunk.path != self.path:
            raise InvalidConfig(f"a chunk of {chunk.path!r} came before the last one of {self.path!r}")
        self.parts.append(chunk.data)
        self._weigh(len(chunk.data))
        if chunk.last:
            self.documents[self.path] = document = Document(self.path, b"".join(self.parts))
            self.sent.append(document)
            self.path, self.parts, self.document_bytes = "", [], 0

    def add_known(self, digests: bytes, recent: RecentDocuments) -> None:
        """Documents of earlier uploads, by their digests one after the other. Raises NotFound."""
        if self.parts:
            raise InvalidConfig(f"digests came before the last chunk of {self.path!r}")
        for start in range(0, len(digests), DIGEST_BYTES):
            document = recent.find(digests[start : start + DIGEST_BYTES])
            if document is None:
                raise NotFound("this server has let go of a document that was sent before; send them all")
            self._begin(document.path)
            self.document_bytes = 0
            self._weigh(len(document.content))
            self.documents[document.path] = document
            self.path, self.document_bytes = "", 0

    def _begin(self, path: str) -> None:
        if not path or len(path) > PATH_LIMIT_CHARACTERS or not path.isprintable():
            raise InvalidConfig(f"a document's path must be 1 to {PATH_LIMIT_CHARACTERS} printable characters")
        if path in self.documents:
            raise InvalidConfig(f"the document {path} was sent twice")
        if len(self.documents) == DOCUMENTS_LIMIT:
            raise LimitExceeded(f"more than {DOCUMENTS_LIMIT} documents; split the workspace")
        self.path = path

    def _weigh(self, size: int) -> None:
        self.document_bytes += size
        self.total_bytes += size
        if self.document_bytes > DOCUMENT_LIMIT_BYTES:
            raise LimitExceeded(f"{self.path} is larger than {DOCUMENT_LIMIT_BYTES >> 20} MiB; split the file")
        if self.total_bytes > TOTAL_LIMIT_BYTES:
            raise LimitExceeded(f"the documents are larger than {TOTAL_LIMIT_BYTES >> 20} MiB; split the workspace")


async def receive(
    requests: AsyncIterator[pb.UploadRequest], recent: RecentDocuments, *, patience_s: float = PATIENCE_S
) -> Upload:
    """The whole upload; `recent` has what was sent before, and what came now from then on.

    Raises InvalidConfig when it is out of order, LimitExceeded beyond a cap, NotFound for a digest that `recent` does
    not have, TimedOut.
    """
    try:
        async with asyncio.timeout(patience_s):
            return await _assembled(requests, recent)
    except TimeoutError:
        raise TimedOut(f"the documents did not arrive within {patience_s:g} s; try again") from None
    except FairleadError:
        await _let_go(requests)
        raise


async def _let_go(requests: AsyncIterator[pb.UploadRequest]) -> None:
    """Take what is still on its way: a client that is refused while it writes may see only that it cannot write."""
    taken_bytes = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LET_GO_S):
            async for request in requests:
                taken_bytes += request.ByteSize()
                if taken_bytes >= LET_GO_BYTES:
                    return


async def _assembled(requests: AsyncIterator[pb.UploadRequest], recent: RecentDocuments) -> Upload:
    header: pb.UploadHeader | None = None
    assembly = _Assembly()
    async for request in requests:
        part = request.WhichOneof("part")
        if header is None and part == "header":
            header = request.header
        elif header is not None and part == "chunk":
            assembly.add(request.chunk)
        elif header is not None and part == "batch":
            for chunk in request.batch.chunks:
                assembly.add(chunk)
        elif header is not None and part == "known":
            assembly.add_known(request.known.digests, recent)
        else:
            raise InvalidConfig("an upload is one header first, then chunks of documents")
    if header is None:
        raise InvalidConfig("an upload begins with a header; nothing came")
    if assembly.parts:
        raise InvalidConfig(f"the last chunk of {assembly.path} did not come")
    recent.add(assembly.sent)
    return Upload(header, tuple(assembly.documents.values()))
