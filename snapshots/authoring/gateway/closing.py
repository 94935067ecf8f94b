"""Guarded hosts as connections see them that have no guards: what must be asked about is closed to them. Pure.

For those that were opened while there were slices, and find back to one route configuration (`slices.way_back`): it is
the only one that can be meant for nobody else.
"""

from __future__ import annotations

from snapshots.authoring.gateway.envoy import Messages, Part
from snapshots.authoring.gateway.guards import GUARD_PREFIX
from snapshots.authoring.gateway.routing import ServedHost

_VIRTUAL_HOST = "envoy.config.route.v3.VirtualHost"
_CLOSED = 403


def closed(messages: Messages, host: ServedHost) -> ServedHost:
    """The same host, answering 403 where a guard would be asked."""
    if GUARD_PREFIX.encode() not in host.part.body:
        return host
    found = messages.make(_VIRTUAL_HOST, {})
    found.ParseFromString(host.part.body)
    for route in found.routes:
        guards = [name for name in route.typed_per_filter_config if name.startswith(GUARD_PREFIX)]
        for name in guards:
            del route.typed_per_filter_config[name]
        if guards:
            route.direct_response.status = _CLOSED
    return ServedHost(host.name, Part(found.SerializeToString(deterministic=True), host.part.references))
