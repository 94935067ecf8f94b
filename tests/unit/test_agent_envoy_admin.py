"""Asking an admin interface that may say anything, or nothing: one kind of error, in time, and in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agents.node.envoy.admin import Admin, AdminError, ServerState
from api.hosting.address import Address

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(said: bytes | Served, tmp_path: Path, asked: list[str] | None = None) -> AsyncIterator[Admin]:
    """An interface that says this to every question, and then ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(head.decode().split("\r\n")[0])
        if isinstance(said, bytes):
            writer.write(said)
        else:
            await said(reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "admin.sock")
    try:
        yield Admin(tmp_path / "admin.sock", deadline_s=30)
    finally:
        server.close()


def page(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def test_a_page_is_asked_for_and_its_body_is_given(tmp_path: Path) -> None:
    asked: list[str] = []
    async with answering(page(b"fine"), tmp_path, asked) as admin:
        assert await admin.get("/help") == b"fine"
        assert await admin.post("/healthcheck/fail") == b"fine"
    assert asked == ["GET /help HTTP/1.1", "POST /healthcheck/fail HTTP/1.1"]


async def test_a_body_in_chunks_is_put_together(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with answering(chunked, tmp_path) as admin:
        assert await admin.get("/stats") == b"abcde"


@pytest.mark.parametrize("state", list(ServerState))
async def test_ready_is_envoys_word_whatever_the_status(state: ServerState, tmp_path: Path) -> None:
    status = "200 OK" if state is ServerState.LIVE else "503 Service Unavailable"
    async with answering(page(f"{state}\n".encode(), status), tmp_path) as admin:
        assert await admin.ready() is state


async def test_another_status_is_an_error_with_its_words(tmp_path: Path) -> None:
    async with answering(page(b"no such page", "404 Not Found"), tmp_path) as admin:
        with pytest.raises(AdminError, match=r"answers /none with 404: no such page") as raised:
            await admin.get("/none")
    assert raised.value.http_status == 404


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"\x16\x03\x01 this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,
    ],
    ids=["nothing", "half a body", "no http", "no length", "no chunk", "endless head"],
)
async def test_rubbish_is_an_error_of_the_one_kind(said: bytes, tmp_path: Path) -> None:
    async with answering(said, tmp_path) as admin:
        with pytest.raises(AdminError):
            await admin.get("/stats")


@pytest.mark.parametrize("said", [b"", b"[]", b"{", b'{"version": "1", "state": "ODD"}', b'{"version": 3}'])
async def test_pages_that_are_not_what_they_should_be_are_errors(said: bytes, tmp_path: Path) -> None:
    async with answering(page(said), tmp_path) as admin:
        for question in (admin.server_info, admin.connections, admin.ready):
            with pytest.raises(AdminError):
                await question()


async def test_nobody_there_is_told_apart(tmp_path: Path) -> None:
    for place in (tmp_path / "none.sock", Address("127.0.0.1", 1)):
        with pytest.raises(AdminError, match="cannot be reached") as raised:
            await Admin(place).ready()
        assert raised.value.absent


async def test_silence_ends_at_the_deadline(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with answering(silent, tmp_path) as admin:
        with pytest.raises(AdminError, match=r"did not answer /ready within 0\.1 s") as raised:
            await admin.ready(deadline_s=0.1)
    assert not raised.value.absent


async def test_an_answer_that_drips_ends_at_the_deadline_too(tmp_path: Path) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"a")
            await asyncio.sleep(0.01)

    async with answering(dripping, tmp_path) as admin:
        with pytest.raises(AdminError, match="within"):
            await admin.get("/stats", deadline_s=0.2)


async def test_a_body_larger_than_its_limit_is_not_read(tmp_path: Path) -> None:
    async with answering(page(b"a" * 200_000), tmp_path) as admin:
        with pytest.raises(AdminError, match="larger than 100000 bytes"):
            await replace(admin, body_limit_bytes=100_000).get("/config_dump")


async def test_a_large_page_is_given_piece_by_piece(tmp_path: Path) -> None:
    async with answering(page(b"a" * 1_000_000), tmp_path) as admin, admin.opened("/config_dump") as answer:
        sizes = [len(piece) async for piece in answer.body]
    assert (answer.status, sum(sizes)) == (200, 1_000_000)
    assert max(sizes) <= 64 * 1024


async def test_of_many_gauges_those_of_listeners_are_the_connections(tmp_path: Path) -> None:
    stats = {
        "listener.0.0.0.0_80.downstream_cx_active": 3,
        "listener.0.0.0.0_80.worker_0.downstream_cx_active": 3,
        "listener.[__]_443.downstream_cx_active": 4,
        "listener.admin.downstream_cx_active": 1,
        "listener.admin.main_thread.downstream_cx_active": 1,
    }
    listed = ",".join(f'{{"name": "{name}", "value": {value}}}' for name, value in stats.items())
    async with answering(page(f'{{"stats": [{listed}, {{"histograms": {{}}}}]}}'.encode()), tmp_path) as admin:
        assert await admin.connections() == 7


async def test_a_page_cannot_smuggle_a_second_question(tmp_path: Path) -> None:
    asked: list[str] = []
    async with answering(page(b""), tmp_path, asked) as admin:
        with pytest.raises(AdminError):
            await admin.get("/stats HTTP/1.1\r\nx: y\r\n\r\nPOST /quitquitquit")
    assert asked == []
