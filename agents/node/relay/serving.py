"""The listener of a relay: as a server's, for the agents of one group, with reports beside discovery."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import grpc

from agents.node.lineage import circle
from api.envoy.registry import EnvoyApi
from api.errors import Denied
from api.hosting.address import Address
from api.hosting.version import version
from xds.fleet import Fleet
from xds.protocol.requests import Node
from xds.protocol.types import GroupName
from xds.transport.conversation import CALL_ENDED, Context
from xds.transport.csds import Audience
from xds.transport.identity import AuthContext, Identify, by_cluster
from xds.transport.load_reports import LOAD_REPORTING
from xds.transport.observer import Observer
from xds.transport.server import XdsOptions, XdsServer
from xds.transport.streams import Edge
from xds.transport.tls import TlsFiles

NO_LOAD_REPORTS = "a relay passes no load reports on: an agent does that whose upstream is a server"


def relay_server(
    api: EnvoyApi,
    address: Address,
    tls: TlsFiles | None,
    identify: Identify,
    observer: Observer,
    *,
    plaintext_off_loopback: bool = False,
) -> XdsServer:
    """Not started. A client costs as much as it may on a server, and connections end after an hour as they do there,
    so that agents spread over the relays that there are."""
    options = XdsOptions(
        address=str(address),
        tls=tls,
        plaintext_off_loopback=plaintext_off_loopback,
        identify=identify,
        identifier=f"fairlead-agent {version()}",
        client_status=Audience.OFF,
        load_reports=False,
        reflection=False,
        services={LOAD_REPORTING: _no_load_reports},
    )
    return XdsServer(api, Fleet(in_steps=True), options, observer)


def _no_load_reports(edge: Edge) -> grpc.GenericRpcHandler[Any, Any]:
    async def refuse(_: object, context: Context) -> None:
        with suppress(TimeoutError, *CALL_ENDED):
            async with asyncio.timeout(edge.limits.first_request_s):
                await context.read()  # whoever is refused while it writes may not hear why
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, NO_LOAD_REPORTS)

    method = grpc.stream_stream_rpc_method_handler(refuse)
    return grpc.method_handlers_generic_handler(LOAD_REPORTING, {"StreamLoadStats": method})


def only(group: GroupName, own: str) -> Identify:
    """Nodes of one group, and none that the relay `own` takes its configuration from."""

    def identify(node: Node, auth_context: AuthContext) -> GroupName:
        asked = by_cluster(node, auth_context)
        if asked != group:
            raise Denied(f"{own} relays group {group} and no other; {node.id} is of group {asked}: ask a server")
        if words := circle(own, node):
            raise Denied(words)
        return group

    return identify
