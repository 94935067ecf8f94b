"""One xDS stream on grpc.aio: it drives a session, and decides nothing itself.

Two tasks share a stream. The reader takes one request at a time and does not take the next before what it led to is
written, so nothing queues up behind a client that does not read. The writer is the only one that writes; it wakes
for the reader, for a group that moved (a flag, not a queue: however often it moved, the session is asked once), and for
the session's own timer. No lock is held across a write, and no stream waits for another.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc

from api.errors import Denied
from xds.fleet import Fleet
from xds.protocol import plan
from xds.protocol.plan import Close, Plan, Response
from xds.protocol.requests import Node
from xds.protocol.session import Limits as SessionLimits
from xds.protocol.session import Session
from xds.protocol.types import GroupName, TypeUrl
from xds.protocol.variant import Variant
from xds.transport.catalogues import Catalogues, ServedGroup
from xds.transport.conversation import STATUS_CODES, Context, Conversation, peer_address
from xds.transport.decoding import RequestDecoder, StreamRefused
from xds.transport.households import Household
from xds.transport.identity import AuthContext, Identify
from xds.transport.limits import Limits
from xds.transport.observer import Observer, StreamInfo

VARIANT_NAMES = {Variant.DELTA: "delta", Variant.STATE_OF_THE_WORLD: "sotw"}


@dataclass(slots=True)
class Edge:
    """What all streams of a server share."""

    decoder: RequestDecoder
    catalogues: Catalogues
    fleet: Fleet
    observer: Observer
    identify: Identify
    limits: Limits
    streams: dict[int, Conversation] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def group_of(self, node: Node, context: Context) -> GroupName:
        """The group of a client that says it is `node`. Raises StreamRefused when it may not be."""
        proved: AuthContext = context.auth_context() or {}
        try:
            return self.identify(node, proved)
        except Denied as denied:
            raise StreamRefused(denied.status, denied.message) from denied


class Stream(Conversation):
    """One discovery stream."""

    def __init__(self, edge: Edge, context: Context, variant: Variant, only_type: TypeUrl | None) -> None:
        super().__init__(next(edge.ids), context, edge.limits, edge.observer)
        self._edge = edge
        self._variant = variant
        self._only_type = only_type
        limits = SessionLimits(names=edge.limits.names)
        self._session = Session(variant, count(1), only_type=only_type, limits=limits)
        self._types: set[TypeUrl] = set()
        self._decode = edge.decoder.delta if variant is Variant.DELTA else edge.decoder.state
        self._clock = asyncio.get_running_loop().time
        self._info: StreamInfo | None = None
        self._group: ServedGroup | None = None
        self._household: Household | None = None
        self._served = False
        self._due: deque[Response] = deque()
        self._moved = False
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Stream {self.id} of {self._address}: {self._session!r}>"

    @property
    def session(self) -> Session:
        """For those who ask what the client has; only the stream itself speaks through it."""
        return self._session

    def wake(self) -> None:
        """The group has moved."""
        if not self._served or self._session.is_concerned():
            self._ask_again()

    def _ask_again(self) -> None:
        """Ask the session when the writer gets to it."""
        self._moved = True
        self._work.set()

    async def _take(self, data: bytes) -> None:
        """Let the session answer one request, and wait until that is written.

        What was decided before is written first, so that no response meets a subscription it was not made for.
        """
        await self._all_written()
        now_s = self._clock()
        first = self._info is None
        decided = self._session.receive(self._decode(data), now_s)
        if first and decided.close is None and self._session.node is not None:
            self._enter(self._session.node)
        self._carry_out(decided)
        if first and self._group is not None and self._group.loaded:
            self._carry_out(self._first_state(self._group))
        await self._all_written()

    async def _all_written(self) -> None:
        if self._due:
            self._idle.clear()
            self._work.set()
            await self._idle.wait()

    async def _write(self) -> None:
        while not self._closing:
            await self._work.wait()
            self._work.clear()
            while self._due or (self._moved and not self._closing):
                if not self._due:
                    self._catch_up()
                elif not await self._respond(self._due.popleft()):
                    return
            self._idle.set()

    def _catch_up(self) -> None:
        self._moved = False
        if self._group is None or not self._group.loaded:
            return
        self._carry_out(self._session.advance(self._clock()) if self._served else self._first_state(self._group))

    def _first_state(self, group: ServedGroup) -> Plan:
        self._served = True
        siblings = self._household.siblings if self._household else None
        return self._session.serve(group.catalogue, self._clock(), siblings)

    async def _respond(self, response: Response) -> bool:
        """Write one response. False when the client is gone, or did not take it in time."""
        if self._group is None or self._info is None:
            return False
        encoded = self._group.encoder.encode(self._variant, response)
        if not await self._send(encoded.data):
            return False
        self._edge.observer.written(self._info, response, len(encoded.data), encoded.fresh)
        return True

    def _enter(self, node: Node) -> None:
        """The first request named the node: it is in the fleet from now on."""
        group = self._edge.group_of(node, self._context)
        now_s = time.time()
        variant = VARIANT_NAMES[self._variant]
        self._info = StreamInfo(self.id, node, group, variant, self._address, self._only_type, now_s)
        self._group = self._edge.catalogues.join(group, self)
        if self._only_type is not None:
            self._household = self._group.household(node.id)
            self._household.enter(self._session, self._ask_again)
        aggregated = self._only_type is None
        self._edge.fleet.connected(self.id, node, group, variant, self._address, now_s, aggregated=aggregated)
        self._edge.observer.stream_opened(self._info)

    def _carry_out(self, decided: Plan) -> None:
        self._due.extend(decided.responses)
        if decided.close is not None:
            self.end(decided.close)
        if decided.wake_at_s is not None:
            self._wake_at(decided.wake_at_s)
        if self._household is not None:
            self._household.wake_freed()
        if self._info is None:
            return
        now_s = time.time() if decided.observations else 0.0
        for observation in decided.observations:
            self._count_types(observation)
            self._edge.fleet.observe(self.id, observation, now_s)
            self._edge.observer.observed(self._info, observation)

    def _count_types(self, observation: plan.Observation) -> None:
        if isinstance(observation, plan.Subscribed):
            self._types.add(observation.type_url)
        limit = self._edge.limits.types
        if len(self._types) > limit:
            self.end(Close("RESOURCE_EXHAUSTED", f"this stream asks for {len(self._types)} types; at most {limit}"))

    def _wake_at(self, wake_at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(wake_at_s, self._ask_again)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._leave_household()
        if self._info is not None:
            self._edge.catalogues.leave(GroupName(self._info.group), self)
            self._edge.fleet.disconnected(self.id, time.time())
            self._edge.observer.stream_closed(self._info, self._close)
        elif self._close is not None:
            self._edge.observer.stream_refused(self._address, self._close)

    def _leave_household(self) -> None:
        if self._household is None or self._group is None or self._info is None:
            return
        self._session.leave()
        self._household.leave(self._session)
        self._group.forget_household(self._info.node.id)


def stream_method(edge: Edge, variant: Variant, only_type: TypeUrl | None) -> grpc.RpcMethodHandler[Any, Any]:
    """A gRPC method that takes and gives bytes, for one kind of stream."""
    return lasting_method(edge, lambda context: Stream(edge, context, variant, only_type))


def lasting_method(edge: Edge, begin: Callable[[Context], Conversation]) -> grpc.RpcMethodHandler[Any, Any]:
    """A gRPC method whose calls are conversations: counted, bounded, and ended when the server goes away."""

    async def serve(_: object, context: Context) -> None:
        if len(edge.streams) >= edge.limits.streams:
            full = Close("RESOURCE_EXHAUSTED", f"this server already serves {edge.limits.streams} streams; try another")
            edge.observer.stream_refused(peer_address(context.peer()), full)
            await context.abort(STATUS_CODES[full.status], full.message)
        conversation = begin(context)
        edge.streams[conversation.id] = conversation
        try:
            await conversation.run()
        finally:
            del edge.streams[conversation.id]

    return grpc.stream_stream_rpc_method_handler(serve)
