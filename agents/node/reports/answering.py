"""The answers to orders on one report stream: each a task of its own, sent by credit, to its end or until cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, Final

from agents.node.reports.operator import Operator
from api.nodes.conversion import end_message, order_from
from api.nodes.orders import Order, OrderEnd, OrderStatus
from api.nodes.v1 import nodes_pb2 as pb
from api.telemetry import logs

AT_A_TIME: Final = 8
TOO_MANY: Final = OrderEnd(OrderStatus.UNAVAILABLE, f"the agent has {AT_A_TIME} orders to carry out already")
UNKNOWN: Final = OrderEnd(OrderStatus.UNAVAILABLE, "this version of the agent does not know such an order")

Say = Callable[[pb.AgentMessage], Awaitable[None]]


class _Credit:
    """How many chunks may be sent, and were."""

    def __init__(self, chunks: int) -> None:
        self._granted = chunks
        self._sent = 0
        self._more = asyncio.Event()

    def grant(self, chunks: int) -> None:
        self._granted = max(self._granted, chunks)
        self._more.set()

    async def take(self) -> None:
        while self._sent >= self._granted:
            self._more.clear()
            await self._more.wait()
        self._sent += 1


class Answers:
    """`say` writes one message; whoever calls it waits until that is written."""

    def __init__(self, say: Say, operator: Operator, chunk_bytes: int) -> None:
        self._say = say
        self._operator = operator
        self._chunk_bytes = chunk_bytes
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._credits: dict[int, _Credit] = {}

    def begin(self, message: Any) -> None:
        """Carry out an order. One too many is told so, and far too many are not heard at all."""
        number = message.id
        if number in self._tasks or len(self._tasks) >= 2 * AT_A_TIME:
            return
        order = order_from(message)
        credit = self._credits[number] = _Credit(message.credit)
        task = asyncio.create_task(self._answer(number, order, credit, refused=len(self._tasks) >= AT_A_TIME))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._forget(number))

    def grant(self, number: int, chunks: int) -> None:
        if number in self._credits:
            self._credits[number].grant(chunks)

    def cancel(self, number: int) -> None:
        if number in self._tasks:
            self._tasks[number].cancel()

    async def close(self) -> None:
        """Nobody is left to answer."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, number: int) -> None:
        self._tasks.pop(number, None)
        self._credits.pop(number, None)

    async def _answer(self, number: int, order: Order | None, credit: _Credit, *, refused: bool) -> None:
        if order is None or refused:
            await self._end(number, UNKNOWN if order is None else TOO_MANY)
            return
        try:
            async with aclosing(self._operator.carry_out(order)) as parts:
                async for part in parts:
                    if isinstance(part, OrderEnd):
                        await self._end(number, part)
                        return
                    for piece in self._pieces(part):
                        await credit.take()
                        await self._say(pb.AgentMessage(answer=pb.OrderAnswer(order=number, chunk=piece)))
        except Exception as error:  # noqa: BLE001 -- a defect ends this order, and nothing else
            logs.logger("reports").error("an order failed by a defect", order=order.kind.value, exc_info=error)
            await self._end(number, OrderEnd(OrderStatus.FAILED, "the agent failed at it; its log says why"))

    def _pieces(self, part: bytes) -> Iterator[bytes]:
        for start in range(0, len(part), self._chunk_bytes):
            yield part[start : start + self._chunk_bytes]

    async def _end(self, number: int, end: OrderEnd) -> None:
        await self._say(pb.AgentMessage(answer=pb.OrderAnswer(order=number, end=end_message(end))))
