"""Node reports: what agents say of themselves and their Envoys, taken into the fleet, and orders on their way to them.

A report is advice. It goes to `xds.fleet.Reports` and nowhere near a session: nothing in it changes what a node is
served, and what a node with a stream of its own has acknowledged is what that stream says (`Fleet`).

A stream costs a bounded amount whatever its client does: it is read at a bounded rate, each message and what is kept of
it are bounded, and a silent one is ended. Who it is, and of which group, is decided as on discovery streams.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from api.nodes.conversion import end_from, identifier, order_message, report_from
from api.nodes.limits import ReportLimits
from api.nodes.orders import Order
from api.nodes.report import NodeReport
from api.nodes.v1 import nodes_pb2 as pb
from xds.fleet.reports import Reporter
from xds.protocol.admission import refuse_node
from xds.protocol.plan import Close
from xds.protocol.requests import Node
from xds.protocol.types import NodeId
from xds.transport.conversation import Context, Conversation
from xds.transport.decoding import StreamRefused
from xds.transport.orders import OrderDesk
from xds.transport.streams import Edge, lasting_method

NODES_AT_A_TIME = 200
NODE_REPORTS = pb.DESCRIPTOR.services_by_name["NodeReports"].full_name


@dataclass(frozen=True, slots=True)
class NodeReporting:
    """The service."""

    edge: Edge
    desk: OrderDesk

    def handler(self) -> grpc.GenericRpcHandler[Any, Any]:
        """For a gRPC server; it takes and gives bytes."""
        method = lasting_method(self.edge, lambda context: ReportStream(self, context))
        return grpc.method_handlers_generic_handler(NODE_REPORTS, {"Report": method})

    @property
    def limits(self) -> ReportLimits:
        return self.edge.fleet.reports.limits

    @property
    def silent_s(self) -> float:
        return max(self.limits.silent_intervals * self.limits.interval_s, self.limits.silent_s)

    def welcome(self) -> pb.ServerMessage:
        limits = self.limits
        welcome = pb.Welcome(
            interval_ms=round(limits.interval_s * 1000),
            message_bytes=limits.message_bytes,
            chunk_bytes=limits.chunk_bytes,
            nodes=limits.stream_nodes,
            now_ms=round(time.time() * 1000),
        )
        return pb.ServerMessage(welcome=welcome)


def pause_s(limits: ReportLimits, size_bytes: int, nodes: int) -> float:
    """How long a message is enough: one who says much is read slowly, and what it says waits in its own memory."""
    return max(1 / limits.messages_s, size_bytes / limits.stream_bytes_s, nodes / limits.stream_nodes_s)


@dataclass(frozen=True, slots=True)
class Introduction:
    """The first message, as `refuse_node` knows it."""

    node: Node | None


class ReportStream(Conversation):
    """One agent that reports, and a `Line` to it. A node is no client of discovery by that."""

    def __init__(self, service: NodeReporting, context: Context) -> None:
        edge = service.edge
        super().__init__(next(edge.ids), context, edge.limits, edge.observer)
        self._service = service
        self._edge = edge
        self._limits_of_reports = service.limits
        self._reporter: Reporter | None = None
        self._due: dict[tuple[str, int], pb.ServerMessage] = {}
        self._silence: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<ReportStream {self.id} of {self._address}>"

    # A line to the agent: what is due is kept by order, so that it is no more than there are orders

    def place(self, number: int, order: Order, credit: int) -> None:
        self._owe("order", number, pb.ServerMessage(order=order_message(number, order, credit)))

    def grant(self, number: int, chunks: int) -> None:
        self._owe("credit", number, pb.ServerMessage(credit=pb.Credit(order=number, chunks=chunks)))

    def withdraw(self, number: int) -> None:
        self._due.pop(("credit", number), None)
        if self._due.pop(("order", number), None) is None:  # else the agent has never heard of it
            self._owe("cancel", number, pb.ServerMessage(cancel=pb.Cancel(order=number)))

    def _owe(self, kind: str, number: int, message: pb.ServerMessage) -> None:
        self._due[kind, number] = message
        self._work.set()

    # What the agent says

    async def _take(self, data: bytes) -> None:
        self._expect_more()
        if len(data) > self._limits_of_reports.message_bytes:
            limit = self._limits_of_reports.message_bytes
            raise StreamRefused("RESOURCE_EXHAUSTED", f"a message of {len(data)} bytes; at most {limit} are taken")
        try:
            message = pb.AgentMessage.FromString(data)
        except DecodeError as error:
            raise StreamRefused("INVALID_ARGUMENT", "this is not a fairlead.nodes.v1.AgentMessage") from error
        if self._reporter is None:
            await self._enter(message)
        elif message.HasField("hello"):
            raise StreamRefused("INVALID_ARGUMENT", "hello is said once, first; open a new stream for another node")
        elif message.HasField("answer") and self._answered(message.answer):
            return  # it was asked for, chunk by chunk
        elif message.HasField("reports"):
            await self._report(self._reporter, message.reports)
        await asyncio.sleep(pause_s(self._limits_of_reports, len(data), len(message.reports.nodes)))

    async def _enter(self, message: pb.AgentMessage) -> None:
        """The first message says who reports."""
        hello = message.hello
        node = Node(hello.node, hello.group) if message.HasField("hello") else None
        if (refusal := refuse_node(None, Introduction(node))) is not None or node is None:
            raise StreamRefused("INVALID_ARGUMENT", refusal.message if refusal else "the first message must be hello")
        if identifier(node.id) != node.id:
            raise StreamRefused("INVALID_ARGUMENT", "the node's id is too long")
        group = self._edge.group_of(node, self._context)
        reporter = Reporter(self.id, NodeId(node.id), group, hello.relay, self._address, time.time())
        self._edge.fleet.reporting(reporter)
        self._reporter = reporter
        self._service.desk.joined(self)
        await self._report(reporter, pb.Reports(nodes=[pb.NodeReport(agent=hello.agent)]))
        self._owe("welcome", 0, self._service.welcome())

    async def _report(self, reporter: Reporter, reports: pb.Reports) -> None:
        """Some nodes at a time: there are other streams."""
        limit = self._limits_of_reports.stream_nodes if reporter.relay else 1
        gone = map(identifier, reports.gone[:limit])
        for start in range(0, max(1, min(len(reports.nodes), limit)), NODES_AT_A_TIME):
            told = self._admitted(reporter, reports.nodes[start : start + NODES_AT_A_TIME])
            moved = self._edge.fleet.reported(reporter.id, told, gone, time.time())
            if moved:
                self._edge.observer.nodes_reported(moved)
            await asyncio.sleep(0)

    def _admitted(self, reporter: Reporter, messages: Iterable[Any]) -> Iterator[NodeReport]:
        """Each node that may be told of; one that is new must be let into its group as if it came itself."""
        for message in messages:
            report = report_from(message)
            if report.node in ("", reporter.node) or NodeId(report.node) in reporter.entries:
                yield report
                continue
            try:
                group = self._edge.group_of(Node(report.node, report.group), self._context)
            except StreamRefused:
                continue
            yield replace(report, group=group)

    def _answered(self, answer: pb.OrderAnswer) -> bool:
        """Whether somebody waits for it."""
        desk = self._service.desk
        if answer.HasField("end"):
            return desk.ended(self, answer.order, end_from(answer.end))
        return desk.chunk(self, answer.order, answer.chunk)

    def _expect_more(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        silent_s = self._service.silent_s
        close = Close("DEADLINE_EXCEEDED", f"no report came for {silent_s:g} s; open a new stream to go on")
        self._silence = asyncio.get_running_loop().call_later(silent_s, self.end, close)

    async def _write(self) -> None:
        while not self._closing:
            await self._work.wait()
            self._work.clear()
            while self._due and not self._closing:
                message = self._due.pop(next(iter(self._due)))
                if not await self._send(message.SerializeToString()):
                    return

    def _leave(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        if self._reporter is not None:
            self._service.desk.left(self)
            moved = self._edge.fleet.reports_ended(self.id, time.time())
            self._edge.observer.nodes_reported(moved)
        elif self._close is not None:
            self._edge.observer.stream_refused(self._address, self._close)
