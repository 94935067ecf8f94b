"""Uploads: a header, then documents in chunks, within caps, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from api.errors import InvalidConfig, LimitExceeded, NotFound, TimedOut
from api.management import uploads
from api.management.client import CHUNK_BYTES, upload_requests
from api.management.recent import DIGEST_BYTES, RecentDocuments, Sent, digest_of
from api.management.uploads import Upload, receive
from api.management.v1 import management_pb2 as pb
from snapshots.model import Document

MIB = 1024 * 1024
HEADER = pb.UploadRequest(header=pb.UploadHeader(group="edge"))


def chunk(path: str, data: bytes = b"x", *, last: bool = True) -> pb.UploadRequest:
    return pb.UploadRequest(chunk=pb.DocumentChunk(path=path, data=data, last=last))


async def received(parts: Iterable[pb.UploadRequest], recent: RecentDocuments | None = None) -> Upload:
    async def stream() -> AsyncIterator[pb.UploadRequest]:
        for part in parts:
            yield part

    return await receive(stream(), recent or RecentDocuments(MIB))


async def test_what_the_client_cuts_into_chunks_arrives_as_it_was() -> None:
    documents = (
        Document("a.yaml", b"a" * (2 * CHUNK_BYTES)),
        Document("empty.yaml", b""),
        Document("z/b.yaml", b"b" * (CHUNK_BYTES + 1)),
    )

    upload = await received(upload_requests(pb.UploadHeader(group="edge", workspace="shop"), documents))

    assert upload.documents == documents
    assert (upload.header.group, upload.header.workspace) == ("edge", "shop")
    assert upload.size_bytes == 3 * CHUNK_BYTES + 1


async def test_no_chunk_is_larger_than_the_protocol_says() -> None:
    requests = list(upload_requests(pb.UploadHeader(), (Document("a", b"a" * (3 * CHUNK_BYTES + 7)),)))

    chunks = [chunk for request in requests[1:] for chunk in request.batch.chunks]
    assert [len(chunk.data) for chunk in chunks] == [CHUNK_BYTES] * 3 + [7]


def test_small_documents_travel_together_within_the_limit_of_a_message() -> None:
    documents = tuple(Document(f"{number}.yaml", b"x" * 1000) for number in range(2000))

    requests = list(upload_requests(pb.UploadHeader(), documents))

    assert len(requests) == 1 + 4
    assert all(request.ByteSize() <= CHUNK_BYTES for request in requests)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [chunk("a")],
        [HEADER, HEADER],
        [HEADER, pb.UploadRequest()],
        [pb.UploadRequest(batch=pb.DocumentBatch())],
        [HEADER, pb.UploadRequest(batch=pb.DocumentBatch(chunks=[chunk("a").chunk, chunk("a").chunk]))],
        [HEADER, chunk("a", last=False)],
        [HEADER, chunk("a", last=False), chunk("b")],
        [HEADER, chunk("a"), chunk("a")],
        [HEADER, chunk("")],
        [HEADER, chunk("a\nb")],
        [HEADER, chunk("a" * 1025)],
    ],
)
async def test_an_upload_out_of_order_is_refused(parts: list[pb.UploadRequest]) -> None:
    with pytest.raises(InvalidConfig):
        await received(parts)


async def test_a_document_over_the_cap_is_refused_while_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LET_GO_BYTES", CHUNK_BYTES)
    seen = 0

    def endless() -> Iterable[pb.UploadRequest]:
        nonlocal seen
        yield HEADER
        while True:
            seen += 1
            yield chunk("a.yaml", b"x" * CHUNK_BYTES, last=False)

    with pytest.raises(LimitExceeded, match=r"a\.yaml is larger than 4 MiB"):
        await received(endless())
    assert seen == 9 + 1


async def test_the_whole_has_a_cap_and_so_has_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "TOTAL_LIMIT_BYTES", 10 << 20)
    monkeypatch.setattr(uploads, "DOCUMENTS_LIMIT", 3)

    with pytest.raises(LimitExceeded, match="larger than 10 MiB"):
        await received([HEADER, *(chunk(name, b"x" * (4 << 20)) for name in "abc")])
    with pytest.raises(LimitExceeded, match="more than 3 documents"):
        await received([HEADER, *map(chunk, "abcd")])


async def test_a_sender_that_stops_halfway_is_not_waited_for() -> None:
    async def stuck() -> AsyncIterator[pb.UploadRequest]:
        yield HEADER
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await receive(stuck(), RecentDocuments(MIB), patience_s=0.05)


async def test_what_is_on_its_way_is_taken_before_the_refusal_so_that_its_writer_can_hear_it() -> None:
    left = 5

    async def stream() -> AsyncIterator[pb.UploadRequest]:
        nonlocal left
        yield chunk("no-header.yaml")
        while left:
            left -= 1
            yield chunk("more.yaml")

    with pytest.raises(InvalidConfig, match="header first"):
        await receive(stream(), RecentDocuments(MIB))
    assert left == 0


async def test_a_writer_that_never_ends_is_refused_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LET_GO_S", 0.05)

    async def stream() -> AsyncIterator[pb.UploadRequest]:
        while True:
            yield chunk("no-header.yaml")
            await asyncio.sleep(0)

    with pytest.raises(InvalidConfig, match="header first"):
        await receive(stream(), RecentDocuments(MIB))


async def test_what_was_sent_before_goes_as_a_digest_and_arrives_whole() -> None:
    recent, sent = RecentDocuments(MIB), Sent()
    first = tuple(Document(f"{number}.yaml", b"x" * number) for number in range(100))
    await received(upload_requests(pb.UploadHeader(), first), recent)
    sent.add(first)
    second = (*first[:50], Document("50.yaml", b"changed"), *first[51:])

    digests, others = sent.split(second)
    requests = list(upload_requests(pb.UploadHeader(), others, digests))
    upload = await received(requests, recent)

    assert [document.path for document in others] == ["50.yaml"]
    assert sum(request.ByteSize() for request in requests) < 100 * DIGEST_BYTES + 100
    assert set(upload.documents) == set(second)


async def test_a_digest_that_the_server_has_let_go_of_is_not_found() -> None:
    document = Document("a.yaml", b"a")
    with pytest.raises(NotFound, match="send them all"):
        await received(upload_requests(pb.UploadHeader(), (), [digest_of(document)]), RecentDocuments(MIB))


async def test_a_document_sent_and_named_by_its_digest_too_is_refused() -> None:
    recent, document = RecentDocuments(MIB), Document("a.yaml", b"a")
    recent.add([document])
    with pytest.raises(InvalidConfig, match="sent twice"):
        await received(upload_requests(pb.UploadHeader(), [document], [digest_of(document)]), recent)


async def test_digests_between_the_chunks_of_a_document_are_refused() -> None:
    known = pb.UploadRequest(known=pb.KnownDocuments(digests=b"x" * DIGEST_BYTES))
    with pytest.raises(InvalidConfig, match="before the last chunk"):
        await received([HEADER, chunk("a.yaml", last=False), known])


def test_the_oldest_documents_are_let_go_of_first() -> None:
    recent = RecentDocuments(3_100)  # room for two, with what each costs beside its bytes
    first, second, third = (Document(name, b"x" * 1_000) for name in ("first", "second", "third"))
    recent.add([first, second])
    assert recent.find(digest_of(first)) == first  # asked for: now the newest
    recent.add([third])
    assert [recent.find(digest_of(document)) for document in (first, second, third)] == [first, None, third]
