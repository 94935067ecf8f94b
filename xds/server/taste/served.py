"""An xDS server for one Envoy, on a Unix socket: the same streams that gateways have, and what came of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

from api.envoy.registry import EnvoyApi
from xds.fleet import Fleet
from xds.protocol.plan import Acked, Close, Observation, Rejected, Sent
from xds.protocol.requests import Node
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName, Nonce
from xds.transport.catalogues import Catalogues
from xds.transport.decoding import RequestDecoder
from xds.transport.identity import AuthContext
from xds.transport.limits import Limits
from xds.transport.listener import new_server
from xds.transport.observer import SilentObserver, StreamInfo
from xds.transport.polling import Poller
from xds.transport.services import discovery_handlers
from xds.transport.streams import Edge

NAME = "fairlead taste"
_GROUP = GroupName("taste")


class Answers(SilentObserver):
    """What the Envoy was sent, and what it said to that."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.rejected: list[Rejected] = []
        self._open: set[Nonce] = set()
        self._lacks = False
        self._heard_s = time.monotonic()

    def waits_in_vain(self, silence_s: float) -> bool:
        """Whether it was told that something is not there, and has said nothing for so long since."""
        return self._lacks and time.monotonic() - self._heard_s > silence_s

    @property
    def settled(self) -> bool:
        """Whether every response was taken or refused."""
        return not self._open

    def stream_opened(self, stream: StreamInfo) -> None:
        self.connected.set()

    def stream_closed(self, stream: StreamInfo, close: Close | None) -> None:
        self._open.clear()

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        self._heard_s = time.monotonic()
        match observation:
            case Sent():
                self._lacks = self._lacks or observation.removed > 0
                self._open.add(observation.nonce)
            case Acked():
                self._open.discard(observation.nonce)
            case Rejected():
                self._open.discard(observation.nonce)
                self.rejected.append(observation)


class Serving:
    """Serves `resources` at `socket` to whoever connects, between `start` and `stop`."""

    def __init__(self, api: EnvoyApi, resources: Iterable[Resource], socket: Path) -> None:
        limits = Limits()
        self.answers = Answers()
        self._groups = Catalogues(limits.response_cache_bytes, NAME)
        self._groups.load(_GROUP, 1, resources)
        edge = Edge(RequestDecoder(api, limits), self._groups, Fleet(), self.answers, _everyone, limits)
        self._server = new_server(limits)
        self._server.add_generic_rpc_handlers(discovery_handlers(edge, Poller(edge)))
        self._server.add_insecure_port(f"unix:{socket}")
        self._waker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._server.start()
        self._waker = asyncio.create_task(self._groups.wake_streams(), name="wake the stream of a taste")

    async def stop(self) -> None:
        await self._server.stop(0)
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.gather(self._waker, return_exceptions=True)


def _everyone(_node: Node, _proved: AuthContext) -> GroupName:
    """There is one client, and only its user can reach the socket."""
    return _GROUP
