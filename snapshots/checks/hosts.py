"""The virtual hosts in a message: by themselves, in a route configuration, inside a listener. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from api.envoy.messages import child_fields, children
from api.envoy.problem import DEPTH_LIMIT, Path
from api.envoy.registry import EnvoyApi

_ROUTE_CONFIGURATION = "envoy.config.route.v3.RouteConfiguration"
_VIRTUAL_HOST = "envoy.config.route.v3.VirtualHost"
# Types that hold no route configuration, and are frequent or large: not looked into.
_WITHOUT = frozenset({"envoy.config.cluster.v3.Cluster", "envoy.config.endpoint.v3.ClusterLoadAssignment"})

# The path of each virtual host, and the message.
Hosts = Sequence[tuple[Path, Any]]


def route_configurations(api: EnvoyApi, message: Message) -> Iterator[tuple[Path, Hosts]]:
    """The path and the virtual hosts of each route configuration in `message`, a VirtualHost by itself being one."""
    if message.DESCRIPTOR.full_name not in _WITHOUT:
        yield from _configurations(api, message, (), 1)


def _configurations(api: EnvoyApi, message: Any, path: Path, depth: int) -> Iterator[tuple[Path, Hosts]]:
    kind = message.DESCRIPTOR.full_name
    if kind == _ROUTE_CONFIGURATION:
        yield path, [((*path, "virtual_hosts", index), host) for index, host in enumerate(message.virtual_hosts)]
    elif kind == _VIRTUAL_HOST:
        yield path, [(path, message)]
    elif depth < DEPTH_LIMIT:
        for step, child in children(api, message, child_fields(message.DESCRIPTOR)):
            yield from _configurations(api, child, (*path, *step), depth + 1)
