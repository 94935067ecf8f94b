"""Load Reporting (LRS): clients are asked for their load, and what they report is handed to `xds.fleet.Loads`.

A client of a group that does not exist is asked for nothing until it does. Who understands it is asked for all of its
clusters; others for those that their group is served, and again when these change.
Envoy API: envoy.service.load_stats.v3.LoadReportingService.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import grpc

from api.envoy.registry import EnvoyApi
from xds.fleet import Loads
from xds.protocol.admission import refuse_node
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER
from xds.transport.catalogues import ServedGroup
from xds.transport.conversation import Context, Conversation
from xds.transport.decoding import StreamRefused
from xds.transport.streams import Edge, lasting_method

LOAD_REPORTING = "envoy.service.load_stats.v3.LoadReportingService"
TAKES_ALL_CLUSTERS = "envoy.lrs.supports_send_all_clusters"
SILENT_INTERVALS, SILENT_S = 3, 30.0
"""A client that misses so many reports, and is silent for so long, counts no longer for what goes on now."""


@dataclass(frozen=True, slots=True)
class LoadReporting:
    """The service. `interval_s`: how often clients are asked to report; 0: not at all."""

    api: EnvoyApi
    edge: Edge
    loads: Loads
    interval_s: float

    def handler(self) -> grpc.GenericRpcHandler[Any, Any]:
        """For a gRPC server; it takes and gives bytes."""
        method = lasting_method(self.edge, lambda context: LoadStream(self, context))
        return grpc.method_handlers_generic_handler(LOAD_REPORTING, {"StreamLoadStats": method})

    @property
    def silent_s(self) -> float:
        return max(SILENT_INTERVALS * self.interval_s, SILENT_S)

    def asks(self, node: Node, group: ServedGroup) -> bytes:
        """A LoadStatsResponse for a client."""
        response: Any = self.api.new("envoy.service.load_stats.v3.LoadStatsResponse")
        if TAKES_ALL_CLUSTERS in node.client_features:
            response.send_all_clusters = True
        else:
            response.clusters.extend(sorted(group.catalogue.served(CLUSTER).resources)[: self.loads.limits.clusters])
        response.load_reporting_interval.FromNanoseconds(round(self.interval_s * 1e9))
        answer: bytes = response.SerializeToString(deterministic=True)
        return answer


class LoadStream(Conversation):
    """One client that reports. It is no node of the fleet by that: it need not take any configuration from here."""

    def __init__(self, service: LoadReporting, context: Context) -> None:
        edge = service.edge
        super().__init__(next(edge.ids), context, edge.limits, edge.observer)
        self._service = service
        self._edge = edge
        self._node: Node | None = None
        self._group: ServedGroup | None = None
        self._reports = False
        self._asked = b""
        self._silence: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<LoadStream {self.id} of {self._address}>"

    def wake(self) -> None:
        """The group has moved: ask for the clusters that it has now."""
        self._work.set()

    async def _take(self, data: bytes) -> None:
        """The first message says who reports. Envoy says it in every one, and what it counted before a reconnect."""
        request = self._edge.decoder.load(data)
        refusal = refuse_node(self._node, request)
        if refusal is not None:
            raise StreamRefused(refusal.status, refusal.message)
        if self._node is None and request.node is not None:
            self._enter(request.node)
        if self._reports:
            self._service.loads.reported(self.id, request.clusters, time.time(), cut=request.cut)
            self._expect_more()
        await asyncio.sleep(0)  # one who reports without a pause leaves room for others

    def _enter(self, node: Node) -> None:
        group = self._edge.group_of(node, self._context)
        self._node = node
        self._group = self._edge.catalogues.join(group, self)
        self._open()
        self._work.set()

    def _open(self) -> None:
        """From now on the group is served, and reports count."""
        if self._group is not None and self._group.loaded and not self._reports:
            self._service.loads.opened(self.id, self._group.catalogue.group)
            self._reports = True

    async def _write(self) -> None:
        while not self._closing:
            await self._work.wait()
            self._work.clear()
            if not self._closing and not await self._ask():
                return

    async def _ask(self) -> bool:
        """Say what to report, if it is not what was said before. False when the client is gone."""
        self._open()
        if self._node is None or self._group is None or not self._reports or not self._service.interval_s:
            return True
        answer = self._service.asks(self._node, self._group)
        if answer == self._asked:
            return True
        self._asked = answer
        return await self._send(answer)

    def _expect_more(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(self._service.silent_s, self._service.loads.silent, self.id)

    def _leave(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._service.loads.closed(self.id)
        if self._group is not None:
            self._edge.catalogues.leave(self._group.catalogue.group, self)
        elif self._close is not None:
            self._edge.observer.stream_refused(self._address, self._close)
