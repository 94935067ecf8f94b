"""A gateway that stops lets its clients go: they are told, open requests are answered, and then Envoy ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from tests.node_envoys import QUICK, a_gateway, has_ended
from tests.whole_servers import PATIENCE_S, until

pytestmark = pytest.mark.envoy

# What ends these drains is that nobody is connected any more: the limit is beyond any test's.
PATIENT = replace(QUICK, drain_s=300)


@dataclass
class Client:
    """One connection, kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, path: str = "/") -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: gateway\r\n\r\n".encode())

    async def answer(self) -> str:
        """Its head."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            await self.reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
            return head

    async def closed(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read() == b""


@asynccontextmanager
async def a_client(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


@dataclass
class Slow:
    """An upstream that answers when it is let to."""

    port: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.may_answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate")


@asynccontextmanager
async def a_slow_upstream() -> AsyncIterator[Slow]:
    slow = Slow()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    slow.port = server.sockets[0].getsockname()[1]
    try:
        yield slow
    finally:
        slow.may_answer.set()
        server.close()


async def test_a_kept_connection_is_told_to_close_and_envoy_ends_when_it_has() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started(limits=PATIENT)
        async with a_client(gateway.port) as client:
            client.ask()
            assert "connection: close" not in await client.answer()
            supervisor.stop()
            await until(lambda: supervisor.facts.phase == "draining", "the drain")
            assert not task.done()
            client.ask()
            assert "connection: close" in await client.answer()
            assert await client.closed()
            await task
        assert has_ended(gateway.heard.unready[0].pid)


async def test_load_balancers_are_told_before_the_drain_and_clients_are_served_meanwhile() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started(limits=replace(PATIENT, drain_delay_s=1))
        supervisor.stop()
        await until(lambda: bool(gateway.heard.unready), "load balancers to be told")
        assert gateway.heard.unready[0].phase == "turning away"
        assert supervisor.facts.phase == "turning away"
        async with a_client(gateway.port) as client:
            client.ask()
            assert "200 ok" in await client.answer()
        await task


async def test_an_open_request_is_answered_before_envoy_ends() -> None:
    async with a_slow_upstream() as slow, a_gateway(slow.port) as gateway:
        supervisor, task = await gateway.started(limits=PATIENT)
        async with a_client(gateway.port) as client:
            client.ask("/far")
            await slow.asked.wait()
            supervisor.stop()
            await until(lambda: supervisor.facts.phase == "draining", "the drain")
            assert not task.done()
            slow.may_answer.set()
            assert "200 ok" in await client.answer()
            await task


async def test_a_client_that_stays_is_cut_off_when_the_time_is_over() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started(limits=replace(QUICK, drain_s=1))
        async with a_client(gateway.port) as client:
            client.ask()
            await client.answer()
            supervisor.stop()
            await task
            assert await client.closed()


async def test_in_a_hurry_nobody_is_waited_for() -> None:
    async with a_gateway() as gateway:
        supervisor, task = await gateway.started(limits=replace(PATIENT, drain_delay_s=300))
        async with a_client(gateway.port) as client:
            client.ask()
            await client.answer()
            supervisor.stop()
            await until(lambda: supervisor.facts.phase == "turning away", "the stop")
            supervisor.hurry()
            await task
            assert await client.closed()


async def test_a_held_gateway_that_stops_is_drained_too() -> None:
    async with a_slow_upstream() as slow, a_gateway(slow.port) as gateway:
        supervisor, task = await gateway.started(limits=PATIENT)
        async with a_client(gateway.port) as client:
            client.ask("/far")
            await slow.asked.wait()
            supervisor.hold()
            await until(lambda: supervisor.facts.server_state == "DRAINING", "Envoy to turn clients away")
            supervisor.stop()
            await until(lambda: supervisor.facts.phase == "draining", "the drain")
            slow.may_answer.set()
            assert "200 ok" in await client.answer()
            await task
