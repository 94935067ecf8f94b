"""The local server: one group, for whoever is on this host, whatever they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from api.envoy.registry import EnvoyApi
from api.hosting.version import version
from xds.fleet import Fleet
from xds.protocol.requests import Node
from xds.protocol.types import GroupName
from xds.transport.csds import Audience
from xds.transport.identity import AuthContext, Identify
from xds.transport.limits import Limits
from xds.transport.observer import Observer
from xds.transport.server import MakeHandler, XdsOptions, XdsServer

# One Envoy, and some processes: what is encoded is not worth keeping, and nobody is sent elsewhere by their age.
LIMITS = Limits(
    streams=2_000, pending_requests=2_000, connection_age_s=0, connection_idle_s=86_400.0, response_cache_bytes=0
)


def local_server(
    api: EnvoyApi, address: str, group: GroupName, observer: Observer, services: Mapping[str, MakeHandler] | None = None
) -> XdsServer:
    """On `unix:PATH` or `host:port`, with these services beside discovery. Not started. Raises InvalidConfig."""
    options = XdsOptions(
        address=address,
        limits=LIMITS,
        identify=_always(group),
        identifier=f"fairlead-agent {version()}",
        client_status=Audience.OFF,
        load_reports=False,
        node_reports=False,
        reflection=False,
        services=services or {},
    )
    return XdsServer(api, Fleet(in_steps=True), options, observer)


def _always(group: GroupName) -> Identify:
    def identify(node: Node, auth_context: AuthContext) -> GroupName:
        return group

    return identify
