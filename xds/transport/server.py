"""The xDS server: discovery services, client status, load and node reports, health and reflection on one listener.

It serves what is put into `groups`; who puts it there (`follow.py`), and what process it lives in, is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc import aio

from api.envoy.registry import EnvoyApi
from api.hosting.address import Address, parse_any
from xds.fleet import Fleet, Loads
from xds.protocol.plan import Close
from xds.protocol.session import Session
from xds.transport.catalogues import Catalogues
from xds.transport.csds import CLIENT_STATUS, Audience, ClientStatusService
from xds.transport.decoding import RequestDecoder
from xds.transport.health import Health
from xds.transport.identity import Identify, by_cluster
from xds.transport.limits import Limits
from xds.transport.listener import listen, new_server
from xds.transport.load_reports import LOAD_REPORTING, LoadReporting
from xds.transport.node_reports import NODE_REPORTS, NodeReporting
from xds.transport.observer import Observer, SilentObserver
from xds.transport.orders import OrderDesk
from xds.transport.polling import Poller
from xds.transport.services import DISCOVERY_SERVICES, discovery_handlers
from xds.transport.streams import Edge, Stream
from xds.transport.tls import TlsFiles, reloading_credentials

MakeHandler = Callable[[Edge], "grpc.GenericRpcHandler[Any, Any]"]
"""What makes the handler of a service, which takes and gives bytes."""

DRAINING = Close("UNAVAILABLE", "this server is going away; connect again to another")
DRAIN_STEP_S = 0.1
DRAIN_SHARE = 0.8
"""Of the grace: the last to be sent away have the rest of it to go."""


@dataclass(frozen=True, slots=True)
class XdsOptions:
    """How a server listens and whom it lets in. `identifier` is told to clients as the control plane's name.

    `load_reporting_interval_s`: how often clients are asked for their load; 0: not at all. `client_status`: who may
    ask what every client has. `load_reports`, `node_reports`, `reflection`: whether there are such services.
    `services`: others, by name.
    """

    address: str = "127.0.0.1:0"
    tls: TlsFiles | None = None
    plaintext_off_loopback: bool = False
    limits: Limits = field(default_factory=Limits)
    identify: Identify = by_cluster
    identifier: str = ""
    load_reporting_interval_s: float = 10.0
    client_status: Audience = Audience.LOOPBACK
    load_reports: bool = True
    node_reports: bool = True
    reflection: bool = True
    services: Mapping[str, MakeHandler] = field(default_factory=dict)


class XdsServer:
    """One listener. `start`, put groups in, `set_ready(True)`; at the end `drain`."""

    def __init__(
        self, api: EnvoyApi, fleet: Fleet, options: XdsOptions | None = None, observer: Observer | None = None
    ) -> None:
        self.fleet = fleet
        self.loads = Loads()
        self._api = api
        self._options = options or XdsOptions()
        self._observer = observer or SilentObserver()
        limits = self._options.limits
        self.groups = Catalogues(limits.response_cache_bytes, self._options.identifier)
        self._edge = Edge(
            RequestDecoder(api, limits), self.groups, fleet, self._observer, self._options.identify, limits
        )
        self.poller = Poller(self._edge)
        self.orders = OrderDesk(fleet.reports)
        self._bound = parse_any(self._options.address)
        self._server: aio.Server | None = None
        self._health: Health | None = None
        self._waker: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """`host:port` as really bound, or `unix:PATH`."""
        return str(self._bound)

    @property
    def port(self) -> int:
        """0 for a socket in the file system."""
        return self._bound.port if isinstance(self._bound, Address) else 0

    @property
    def streams(self) -> int:
        """Open streams, those included that have not named their node."""
        return len(self._edge.streams)

    def session(self, stream: int) -> Session | None:
        """Of an open stream, for those who ask what its client has; None when it is gone, or has not named its node."""
        found = self._edge.streams.get(stream)
        return found.session if isinstance(found, Stream) else None

    def end(self, stream: int, close: Close) -> None:
        """End one stream, and tell its client why. Nothing happens when it is gone."""
        found = self._edge.streams.get(stream)
        if found is not None:
            found.end(close)

    async def start(self) -> None:
        """Listen. Health is NOT_SERVING until `set_ready`. Raises InvalidConfig when the address cannot be had."""
        server = new_server(self._options.limits)
        services = self._add_services(server)
        health = Health(server, services)
        if self._options.reflection:
            from xds.transport.reflection import add_reflection  # those who go without it need not hold it

            add_reflection(server, services, self._api.pool)
        tls, allowed = self._options.tls, self._options.plaintext_off_loopback
        credentials = reloading_credentials(tls, self._options.address, self._observer) if tls else None
        self._bound = listen(server, self._bound, credentials, plaintext_off_loopback=allowed)
        await server.start()
        await health.serving(False)
        self._server, self._health = server, health
        self._waker = asyncio.create_task(self.groups.wake_streams(), name="wake streams")

    def _add_services(self, server: aio.Server) -> list[str]:
        """Returns their names."""
        server.add_generic_rpc_handlers(discovery_handlers(self._edge, self.poller))
        services = [row.name for row in DISCOVERY_SERVICES]
        if self._options.load_reports:
            loads = LoadReporting(self._api, self._edge, self.loads, self._options.load_reporting_interval_s)
            server.add_generic_rpc_handlers((loads.handler(),))
            services.append(LOAD_REPORTING)
        if self._options.node_reports:
            server.add_generic_rpc_handlers((NodeReporting(self._edge, self.orders).handler(),))
            services.append(NODE_REPORTS)
        if self._options.client_status is not Audience.OFF:
            status = ClientStatusService(self._api, self._edge, self._options.client_status)
            server.add_generic_rpc_handlers((status.handler(),))
            services.append(CLIENT_STATUS)
        for name, make_handler in self._options.services.items():
            server.add_generic_rpc_handlers((make_handler(self._edge),))
            services.append(name)
        return services

    async def set_ready(self, is_ready: bool) -> None:
        """What the health service tells."""
        if self._health is not None:
            await self._health.serving(is_ready)

    async def drain(self, grace_s: float) -> None:
        """Send clients elsewhere in small numbers (protocol.md, rule 37), then stop.

        New connections are refused at once; what is left after `grace_s` is ended. May be called again, also while or
        after a call was cancelled: the shorter grace wins.
        """
        server = self._server
        if server is None:
            return
        await self.set_ready(False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.stop(grace_s))
            tasks.create_task(self._end_streams(grace_s * DRAIN_SHARE))
        if self._waker is not None:
            self._waker.cancel()
            await asyncio.gather(self._waker, return_exceptions=True)
        self._server = None

    async def _end_streams(self, within_s: float) -> None:
        """A few at a time and all of the time, so that the servers they go to are met by no storm."""
        waiting = list(self._edge.streams.values())
        steps = min(len(waiting), max(1, round(within_s / DRAIN_STEP_S)))
        for step in range(steps):
            if step:  # the last have nobody to wait for
                await asyncio.sleep(within_s / steps)
            for stream in waiting[step::steps]:
                stream.end(DRAINING)
