"""Orders to nodes, by way of the report streams of their agents, and the answers on their way back.

An answer waits for whoever reads it: a chunk is sent only for credit, so that nothing piles up here. One who gave an
order and goes away cancels it; a stream that ends ends all that was asked on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from api.errors import LimitExceeded, NodeUnreachable
from api.nodes.orders import Order, OrderEnd, OrderStatus
from xds.fleet.reports import Reports
from xds.transport.decoding import StreamRefused


class Line(Protocol):
    """The report stream of an agent, as it is spoken to. Each call returns at once."""

    @property
    def id(self) -> int: ...

    def place(self, number: int, order: Order, credit: int) -> None:
        """Give an order, with credit for so many chunks."""

    def grant(self, number: int, chunks: int) -> None:
        """So many chunks altogether may have been sent."""

    def withdraw(self, number: int) -> None:
        """Nobody waits for the answer any more."""


@dataclass(slots=True)
class Pending:
    """An order that is not answered to its end. `granted`, `received`, `read`: chunks."""

    number: int
    order: Order
    line: Line
    granted: int
    parts: asyncio.Queue[bytes | OrderEnd] = field(default_factory=asyncio.Queue)
    received: int = 0
    received_bytes: int = 0
    read: int = 0
    ended: bool = False


class OrderDesk:
    """Knows which stream leads to a node, and what is under way on each."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._limits = reports.limits
        self._lines: dict[int, Line] = {}
        self._pending: dict[int, Pending] = {}
        self._numbers = count(1)

    # For those who give orders

    async def carry_out(self, order: Order) -> AsyncGenerator[bytes | OrderEnd, None]:
        """The chunks of the answer, then how it ended. To abandon the iteration is to cancel the order.

        Raises NodeUnreachable when no agent of the node is connected here, or says nothing for too long; LimitExceeded
        when too many orders are under way.
        """
        pending = self._begin(order)
        try:
            while True:
                part = await self._next(pending)
                yield part
                if isinstance(part, OrderEnd):
                    return
                self._grant_more(pending)
        finally:
            del self._pending[pending.number]
            if not pending.ended:
                pending.line.withdraw(pending.number)

    def _begin(self, order: Order) -> Pending:
        teller = self._reports.teller(order.node)
        line = self._lines.get(teller) if teller is not None else None
        if line is None:
            raise NodeUnreachable(f"no agent of {order.node} is connected to this server")
        same = sum(other.order.node == order.node for other in self._pending.values())
        if same >= self._limits.node_orders:
            raise LimitExceeded(
                f"{same} orders to {order.node} are under way, and no more are taken; wait for one to end"
            )
        if len(self._pending) >= self._limits.orders:
            raise LimitExceeded(f"{len(self._pending)} orders to nodes are under way, and no more are taken here")
        pending = Pending(next(self._numbers), order, line, self._limits.window_chunks)
        self._pending[pending.number] = pending
        line.place(pending.number, order, pending.granted)
        return pending

    async def _next(self, pending: Pending) -> bytes | OrderEnd:
        waits_s = None if pending.order.follow and pending.received else self._limits.answer_s
        try:
            async with asyncio.timeout(waits_s):
                return await pending.parts.get()
        except TimeoutError:
            raise NodeUnreachable(
                f"the agent of {pending.order.node} said nothing of {pending.order.kind} for {waits_s:g} s"
            ) from None

    def _grant_more(self, pending: Pending) -> None:
        """Credit for what was read, a few chunks at a time."""
        pending.read += 1
        window = self._limits.window_chunks
        if not pending.ended and pending.granted - pending.read <= window // 2:
            pending.granted = pending.read + window
            pending.line.grant(pending.number, pending.granted)

    # For streams

    def joined(self, line: Line) -> None:
        self._lines[line.id] = line

    def left(self, line: Line) -> None:
        """The stream is over, and with it all that was asked on it."""
        self._lines.pop(line.id, None)
        gone = OrderEnd(OrderStatus.UNAVAILABLE, "the agent's connection ended before it had answered")
        for pending in [each for each in self._pending.values() if each.line is line]:
            self._end(pending, gone)

    def chunk(self, line: Line, number: int, data: bytes) -> bool:
        """A piece of an answer; False when nobody waits for it. Raises StreamRefused for what there was no credit."""
        pending = self._asked(line, number)
        if pending is None:
            return False
        pending.received += 1
        pending.received_bytes += len(data)
        if pending.received > pending.granted or len(data) > self._limits.chunk_bytes:
            words = f"an answer may have {pending.granted} chunks of {self._limits.chunk_bytes} bytes now, not more"
            raise StreamRefused("RESOURCE_EXHAUSTED", words)
        if pending.received_bytes > self._limits.answer_bytes and not pending.order.follow:
            pending.line.withdraw(number)
            words = f"the answer is larger than {self._limits.answer_bytes} bytes; the rest is left out"
            self._end(pending, OrderEnd(OrderStatus.FAILED, words))
        else:
            pending.parts.put_nowait(data)
        return True

    def ended(self, line: Line, number: int, end: OrderEnd) -> bool:
        """The last word of an answer; False when nobody waits for it."""
        pending = self._asked(line, number)
        if pending is not None:
            self._end(pending, end)
        return pending is not None

    def _asked(self, line: Line, number: int) -> Pending | None:
        pending = self._pending.get(number)
        return pending if pending is not None and pending.line is line and not pending.ended else None

    def _end(self, pending: Pending, end: OrderEnd) -> None:
        if not pending.ended:
            pending.ended = True
            pending.parts.put_nowait(end)
