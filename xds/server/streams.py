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
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from grpc import aio

from api.errors import Denied
from xds.fleet import Fleet
from xds.protocol import plan
from xds.protocol.plan import Close, Plan, Response
from xds.protocol.requests import Node
from xds.protocol.session import Limits as SessionLimits
from xds.protocol.session import Session
from xds.protocol.types import GroupName, TypeUrl
from xds.protocol.variant import Variant
from xds.server.catalogues import Catalogues, ServedGroup
from xds.server.decoding import RequestDecoder, StreamRefused
from xds.server.identity import AuthContext, Identify
from xds.server.limits import Limits
from xds.server.observer import Observer, StreamInfo

Context = aio.ServicerContext[bytes, bytes]

VARIANT_NAMES = {Variant.DELTA: "delta", Variant.STATE_OF_THE_WORLD: "sotw"}
END_OF_CALL: object = aio.EOF  # type: ignore[attr-defined]  # the stubs leave it out
LAST_WORDS_S = 2.0
"""How long a client that does not read is given to take the status its stream ends with."""

DEFECT = Close("INTERNAL", "the control plane failed on this stream; its log says why. Connect again")

# A call that the client or the network has ended shows itself as one of these in whoever reads or writes.
CALL_ENDED = (aio.InternalError, aio.UsageError, asyncio.InvalidStateError)


@dataclass(slots=True)
class Edge:
    """What all streams of a server share."""

    decoder: RequestDecoder
    catalogues: Catalogues
    fleet: Fleet
    observer: Observer
    identify: Identify
    limits: Limits
    streams: dict[int, Stream] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: count(1))


class Stream:
    """One stream from its first request to its end. `run` is the whole of its life."""

    def __init__(self, edge: Edge, context: Context, variant: Variant, only_type: TypeUrl | None) -> None:
        self.id = next(edge.ids)
        self._edge = edge
        self._context = context
        self._variant = variant
        self._only_type = only_type
        limits = SessionLimits(names=edge.limits.names)
        self._session = Session(variant, count(1), only_type=only_type, limits=limits)
        self._types: set[TypeUrl] = set()
        self._decode = edge.decoder.delta if variant is Variant.DELTA else edge.decoder.state
        self._clock = asyncio.get_running_loop().time
        self._address = peer_address(context.peer())
        self._info: StreamInfo | None = None
        self._group: ServedGroup | None = None
        self._served = False
        self._due: deque[Response] = deque()
        self._moved = False
        self._close: Close | None = None
        self._ended = False
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Stream {self.id} of {self._address}: {self._session!r}>"

    def wake(self) -> None:
        """The group has moved: ask the session when the writer gets to it."""
        self._moved = True
        self._work.set()

    def end(self, close: Close) -> None:
        """End the stream after what is being written."""
        self._close = self._close or close
        self._work.set()

    async def run(self) -> None:
        """Serve until either side ends it; then tell the client why, if it was us."""
        try:
            await self._serve()
        except Exception as error:  # noqa: BLE001  # a defect ends this stream and no other; it is told to the observer
            self._edge.observer.stream_failed(self._address, error)
            self._close = DEFECT
        finally:
            self._leave()
        if self._close is not None:
            await self._say(self._close)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read())
            await self._write()
            reader.cancel()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._edge.limits.first_request_s):
                data = await self._context.read()
            while data is not END_OF_CALL:
                await self._take(data)
                if self._closing:
                    break  # a read that is cancelled half-way leaves its message in gRPC's memory for good
                data = await self._context.read()
        except TimeoutError:
            waited = self._edge.limits.first_request_s
            self.end(Close("DEADLINE_EXCEEDED", f"no request came within {waited:g} s of opening the stream"))
        except StreamRefused as refused:
            self.end(refused.close)
        except CALL_ENDED:
            pass
        self._ended = True
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
                elif not await self._send(self._due.popleft()):
                    return
            self._idle.set()

    @property
    def _closing(self) -> bool:
        return self._close is not None or self._ended

    def _catch_up(self) -> None:
        self._moved = False
        if self._group is None or not self._group.loaded:
            return
        self._carry_out(self._session.advance(self._clock()) if self._served else self._first_state(self._group))

    def _first_state(self, group: ServedGroup) -> Plan:
        self._served = True
        return self._session.serve(group.catalogue, self._clock())

    async def _send(self, response: Response) -> bool:
        """Write one response. False when the client is gone, or did not take it in time."""
        if self._group is None or self._info is None:
            return False
        encoded = self._group.encoder.encode(self._variant, response)
        try:
            async with asyncio.timeout(self._edge.limits.write_s):
                await self._context.write(encoded.data)
        except TimeoutError:
            waited = self._edge.limits.write_s
            self._close = Close("DEADLINE_EXCEEDED", f"the client did not read a response within {waited:g} s")
            return False
        except CALL_ENDED:
            return False
        self._edge.observer.written(self._info, response, len(encoded.data), encoded.fresh)
        return True

    def _enter(self, node: Node) -> None:
        """The first request named the node: it is in the fleet from now on."""
        auth_context: AuthContext = self._context.auth_context() or {}
        try:
            group = self._edge.identify(node, auth_context)
        except Denied as denied:
            raise StreamRefused(denied.status, denied.message) from denied
        now_s = time.time()
        variant = VARIANT_NAMES[self._variant]
        self._info = StreamInfo(self.id, node, group, variant, self._address, self._only_type, now_s)
        self._group = self._edge.catalogues.join(group, self)
        aggregated = self._only_type is None
        self._edge.fleet.connected(self.id, node, group, variant, self._address, now_s, aggregated=aggregated)
        self._edge.observer.stream_opened(self._info)

    def _carry_out(self, decided: Plan) -> None:
        self._due.extend(decided.responses)
        if decided.close is not None:
            self.end(decided.close)
        if decided.wake_at_s is not None:
            self._wake_at(decided.wake_at_s)
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
        self._timer = asyncio.get_running_loop().call_at(wake_at_s, self.wake)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._info is not None:
            self._edge.catalogues.leave(GroupName(self._info.group), self)
            self._edge.fleet.disconnected(self.id, time.time())
            self._edge.observer.stream_closed(self._info, self._close)
        elif self._close is not None:
            self._edge.observer.stream_refused(self._address, self._close)

    async def _say(self, close: Close) -> None:
        """End the call with a status. One who does not read finds it behind the response that is stuck."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._context.abort(STATUS_CODES[close.status], close.message)
        except (TimeoutError, *CALL_ENDED):
            return


STATUS_CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}


def peer_address(peer: str) -> str:
    """`ipv4:127.0.0.1:4711` -> `127.0.0.1:4711`; `ipv6:%5B::1%5D:4711` -> `[::1]:4711`."""
    _, _, address = peer.partition(":")
    return address.replace("%5B", "[").replace("%5D", "]")


def stream_method(edge: Edge, variant: Variant, only_type: TypeUrl | None) -> grpc.RpcMethodHandler[Any, Any]:
    """A gRPC method that takes and gives bytes, for one kind of stream."""

    async def serve(_: object, context: Context) -> None:
        if len(edge.streams) >= edge.limits.streams:
            full = Close("RESOURCE_EXHAUSTED", f"this server already serves {edge.limits.streams} streams; try another")
            edge.observer.stream_refused(peer_address(context.peer()), full)
            await context.abort(STATUS_CODES[full.status], full.message)
        stream = Stream(edge, context, variant, only_type)
        edge.streams[stream.id] = stream
        try:
            await stream.run()
        finally:
            del edge.streams[stream.id]

    return grpc.stream_stream_rpc_method_handler(serve)
