"""Orders to nodes through their agents: who may be asked what, with a record of who asked and how it ended.

The agent decides what it allows and keeps its own record; here is the server's: an event and a line of the log when an
order is given, and again when it has ended, be it only that no agent could be asked.
"""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from api.errors import Denied, FairleadError, InvalidConfig, LimitExceeded, NodeUnreachable, OrderFailed
from api.management.backend import Backend
from api.management.events import Event
from api.management.v1 import management_pb2 as pb
from api.nodes.conversion import kind_from
from api.nodes.limits import SHAPE_LIMITS
from api.nodes.orders import Order, OrderEnd, OrderKind, OrderStatus
from api.nodes.printable import printable
from api.telemetry import logs, metrics
from xds.fleet import NodeState, NodeStatus

DEFAULT_LINES: Final = 100
LINES_LIMIT: Final = 10_000
AUTHOR_CHARACTERS, REASON_CHARACTERS = 256, 500
_ERRORS: Final[dict[OrderStatus, type[FairleadError]]] = {
    OrderStatus.DENIED: Denied,
    OrderStatus.UNAVAILABLE: NodeUnreachable,
    OrderStatus.FAILED: OrderFailed,
    OrderStatus.CANCELLED: OrderFailed,
}


@dataclass(frozen=True, slots=True)
class Ordering:
    backend: Backend

    async def carry_out(self, request: pb.OrderNodeRequest, caller: str) -> AsyncIterator[pb.OrderNodeAnswer]:
        """Raises InvalidConfig, NodeUnreachable, Denied, OrderFailed, LimitExceeded."""
        order = _order(request)
        node = self.backend.fleet.node(order.node)
        record = _Record(self.backend, order, node.group if node is not None else "", caller)
        record.given()
        outcome = "cancelled"
        try:
            self._check_reachable(order.node, node)
            async for part in self.backend.orders.carry_out(order):
                if isinstance(part, OrderEnd):
                    outcome = f"{part.status}: {part.message}" if part.message else part.status.value
                    yield _last(order, part)
                else:
                    yield pb.OrderNodeAnswer(chunk=part)
        except (NodeUnreachable, LimitExceeded) as error:
            outcome = f"unavailable: {error.message}"
            raise
        finally:
            record.ended(outcome)

    def _check_reachable(self, node_id: str, node: NodeStatus | None) -> None:
        """Raises NodeUnreachable, in words for what is the matter, where no agent of the node can be asked here."""
        fleet = self.backend.fleet
        if node is None:
            near = difflib.get_close_matches(node_id, [each.id for each in fleet.nodes()], n=1)
            hint = f"did you mean {near[0]}?" if near else "if it is connected to another server, ask that one"
            raise NodeUnreachable(f"this server has not seen a node {node_id!r}; {hint}")
        if fleet.reports.teller(node_id) is None:
            raise NodeUnreachable(f"{node_id} {_why_not(node)}")


def _why_not(node: NodeStatus) -> str:
    if node.reported is not None:
        return "has an agent that is not connected to this server any more; if it is to another, ask that one"
    if node.state is NodeState.OFFLINE:
        return "is offline, and no agent of it has reported here; if it is connected to another server, ask that one"
    return "has no agent that reports to this server; run `fairlead agent` beside it"


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept of one order, for whoever asks later who did that."""

    backend: Backend
    order: Order
    group: str
    caller: str

    def given(self) -> None:
        why = f': "{self.order.reason}"' if self.order.reason else ""
        self._tell("node-ordered", f"{self.order.kind} by {self.order.author} from {self.caller}{why}")
        self._log("order to a node", reason=self.order.reason)

    def ended(self, outcome: str) -> None:
        metrics.add(metrics.ORDERS, kind=self.order.kind.value, outcome=outcome.partition(":")[0])
        self._tell("node-order-ended", f"{self.order.kind} by {self.order.author}: {outcome}")
        self._log("order to a node ended", outcome=outcome)

    def _tell(self, kind: str, words: str) -> None:
        self.backend.hub.report(Event(self.backend.now(), kind, self.group, node=self.order.node, message=words))

    def _log(self, what: str, **more: str) -> None:
        order = self.order
        named = {"order": order.kind.value, "author": order.author, "caller": self.caller}
        logs.logger("orders").info(what, node=order.node, group=self.group, **named, **more)


def _order(request: pb.OrderNodeRequest) -> Order:
    kind = kind_from(request.kind)
    if kind is None or not 0 < len(request.node) <= SHAPE_LIMITS.id_characters:
        raise InvalidConfig(f"an order names a node and is one of {', '.join(OrderKind)}")
    return Order(
        node=request.node,
        kind=kind,
        author=printable(request.author, AUTHOR_CHARACTERS) or "somebody",
        reason=printable(request.reason, REASON_CHARACTERS),
        lines=min(request.lines or DEFAULT_LINES, LINES_LIMIT),
        follow=request.follow and kind is OrderKind.LOGS,
    )


def _last(order: Order, end: OrderEnd) -> pb.OrderNodeAnswer:
    error = _ERRORS.get(end.status)
    if error is not None:
        raise error(f"{order.node}: {end.message or end.status.value}")
    return pb.OrderNodeAnswer(done=end.message)
