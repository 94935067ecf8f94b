"""Carries out what operators order, if the agent's configuration allows it, and keeps a record of all of it.

Which server an order comes from does not matter: what is allowed is decided here. Everything is off by default.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from agents.node.envoy.admin import AdminError
from agents.node.envoy.facts import EnvoyFacts, Phase
from agents.node.envoy.keeping import EnvoyKeeper
from agents.node.reports.audit import Audit
from agents.node.reports.below import Below
from agents.node.reports.hiding import Hiding
from agents.node.reports.logbook import last_of, lines_from
from api.errors import FairleadError
from api.nodes.orders import Order, OrderEnd, OrderKind, OrderStatus
from api.telemetry import logs

CONFIG_PAGE: Final = "/config_dump?include_eds"
CONFIG_S: Final = 300.0
LINES_LIMIT: Final = 10_000
RESTARTED_S: Final = 40.0
LOOK_S: Final = 0.1

Part = bytes | OrderEnd
Answer = AsyncGenerator[Part, None]


@dataclass(slots=True)
class Operator:
    """`allow`: operations that may be asked for, by word. `secrets`: texts that no line of a log may show.

    `below`: the nodes of a relay, which decide for themselves what they allow. `before_restart` is called before Envoy
    is started again.
    """

    node: str
    allow: frozenset[str]
    keeper: Callable[[], EnvoyKeeper | None]
    audit: Audit
    secrets: Callable[[], Iterable[str]] = tuple
    below: Below | None = None
    before_restart: Callable[[], None] = lambda: None
    clock: Callable[[], float] = field(default=time.monotonic)

    async def carry_out(self, order: Order) -> Answer:
        """Pieces of the answer, then how it ended. Raises nothing; cancelled, it ends what goes on."""
        if order.node not in ("", self.node):
            async with aclosing(self._forwarded(order)) as parts:
                async for part in parts:
                    yield part
            return
        await self._record(order, "given")
        end = OrderEnd(OrderStatus.CANCELLED)
        try:
            async with aclosing(self._answer(order)) as parts:
                async for part in parts:
                    if isinstance(part, OrderEnd):
                        end = part
                        break
                    yield part
        finally:
            await self._record(order, end.status.value, end.message)
        yield end

    async def _record(self, order: Order, outcome: str, words: str = "") -> None:
        told = {"order": order.kind.value, "author": order.author, "outcome": outcome}
        logs.logger("audit").info("an order of an operator", reason=order.reason, words=words, **told)
        await asyncio.shield(asyncio.to_thread(self.audit.write, order, outcome, words))

    async def _answer(self, order: Order) -> Answer:
        word, keeper = order.kind.operation, self.keeper()
        if word not in self.allow:
            yield OrderEnd(OrderStatus.DENIED, _not_allowed(word))
        elif keeper is None:
            yield OrderEnd(OrderStatus.UNAVAILABLE, "this agent keeps no Envoy (envoy = none in its settings)")
        else:
            try:
                async with aclosing(_CARRIED_OUT[order.kind](self, order, keeper)) as parts:
                    async for part in parts:
                        yield part
            except AdminError as error:
                yield OrderEnd(OrderStatus.UNAVAILABLE, error.message)
            except FairleadError as error:
                yield OrderEnd(OrderStatus.FAILED, error.message)

    async def _forwarded(self, order: Order) -> Answer:
        if self.below is None:
            words = f"{order.node} is not this node, and this agent relays to no others"
            yield OrderEnd(OrderStatus.UNAVAILABLE, words)
            return
        try:
            async with aclosing(self.below.carry_out(order)) as parts:
                async for part in parts:
                    yield part
        except FairleadError as error:
            yield OrderEnd(OrderStatus.UNAVAILABLE, error.message)

    async def _logs(self, order: Order, keeper: EnvoyKeeper) -> Answer:
        log = keeper.log_file
        if log is None:
            yield OrderEnd(OrderStatus.UNAVAILABLE, "somebody else runs this Envoy (envoy = mind), and has its log")
            return
        hiding = Hiding(self.secrets())
        try:
            lines, offset = await asyncio.to_thread(last_of, log, min(order.lines, LINES_LIMIT))
        except OSError as error:
            yield OrderEnd(OrderStatus.UNAVAILABLE, f"Envoy's log cannot be read: {error.strerror or error}")
            return
        yield _shown(lines, hiding)
        if order.follow:
            async with aclosing(lines_from(log, offset)) as batches:
                async for batch in batches:
                    hiding.know(self.secrets())
                    yield _shown(batch, hiding)
        yield OrderEnd(OrderStatus.DONE)

    async def _config(self, order: Order, keeper: EnvoyKeeper) -> Answer:
        """Envoy leaves out what its API marks as sensitive."""
        async with keeper.admin.opened(CONFIG_PAGE, deadline_s=CONFIG_S) as answer:
            if answer.status != 200:
                yield OrderEnd(OrderStatus.UNAVAILABLE, f"Envoy answers {CONFIG_PAGE} with {answer.status}")
                return
            async for piece in answer.body:
                yield piece
        yield OrderEnd(OrderStatus.DONE)

    async def _drain(self, order: Order, keeper: EnvoyKeeper) -> Answer:
        keeper.hold()
        try:
            connected = f"{await keeper.admin.connections()} connections"
        except AdminError:
            connected = "connections, nobody knows how many,"
        words = f"clients are turned away, and {connected} end as they can; undrain takes that back"
        yield OrderEnd(OrderStatus.DONE, words)

    async def _undrain(self, order: Order, keeper: EnvoyKeeper) -> Answer:
        keeper.release()
        yield OrderEnd(OrderStatus.DONE, "clients may come again")

    async def _restart(self, order: Order, keeper: EnvoyKeeper) -> Answer:
        self.before_restart()
        before = keeper.facts
        words = await keeper.restart(drained=before.held)  # clients are turned away already: nobody has to be spared
        until_s = self.clock() + RESTARTED_S
        while self.clock() < until_s:
            facts = keeper.facts
            if _is_up(facts) and _which(facts) != _which(before):
                yield OrderEnd(OrderStatus.DONE, f"{words}; it is ready, epoch {facts.epoch}")
                return
            await asyncio.sleep(LOOK_S)
        yield OrderEnd(OrderStatus.DONE, f"{words}; it was not ready after {RESTARTED_S:g} s: see `fairlead node`")


_CARRIED_OUT: Final[Mapping[OrderKind, Callable[[Operator, Order, EnvoyKeeper], Answer]]] = {
    OrderKind.LOGS: Operator._logs,
    OrderKind.CONFIG: Operator._config,
    OrderKind.DRAIN: Operator._drain,
    OrderKind.UNDRAIN: Operator._undrain,
    OrderKind.RESTART: Operator._restart,
}


def _is_up(facts: EnvoyFacts) -> bool:
    """Ready, or it would be if clients were not turned away."""
    return facts.ready or (facts.held and facts.phase is Phase.RUNNING)


def _which(facts: EnvoyFacts) -> tuple[int, int]:
    """Another after each start: of an Envoy that somebody else runs no process is known."""
    return facts.restarts, facts.takeovers


def _not_allowed(word: str) -> str:
    return f'its agent does not allow {word}; operations.allow in the agent\'s settings would have to name "{word}"'


def _shown(lines: Iterable[bytes], hiding: Hiding) -> bytes:
    return b"".join(hiding.line(line.decode("utf-8", "replace")).encode() + b"\n" for line in lines)
