"""Resources as an Envoy can take them on any machine: the same, but that nothing is bound, reached or written. Pure.

Addresses stay as they are where Envoy judges them (a text that is no IP address is one that it refuses).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from api.envoy.deterministic import serialize
from api.envoy.messages import ANY, child_fields
from api.envoy.problem import DEPTH_LIMIT
from api.envoy.registry import EnvoyApi
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, TypeUrl

LOOPBACK = "127.0.0.1"
# Where nothing listens on any machine.
_NOBODY = 1
_STATIC_TYPES = frozenset({"STATIC", "EDS"})
# What is opened for writing as soon as it is loaded -> the field that names the file.
_FILES = {
    "envoy.extensions.access_loggers.file.v3.FileAccessLog": "path",
    "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink": "event_log_path",
    "envoy.config.core.v3.HealthCheck": "event_log_path",
}
_NOWHERE = "/dev/null"


def tastable(api: EnvoyApi, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Every one of `resources`, with its name, version and references."""
    changing = _Changing(api)
    for each in resources:
        change = _CHANGES.get(each.type_url)
        if change is None:
            yield each
            continue
        message = api.parse(each.type_url, each.body)
        change(changing, message)
        yield replace(each, body=serialize(api, message))


@dataclass(slots=True)
class _Changing:
    """`_numbers`: a loopback address for each endpoint, so that those that differ still do."""

    api: EnvoyApi
    _numbers: dict[tuple[str, int], int] = field(default_factory=dict)

    def listener(self, message: Any) -> None:
        """Its address is compared with those of others and never bound. Envoy must bind UDP: there any port will do."""
        self._files(message)
        places = [message.address, *(each.address for each in message.additional_addresses)]
        sockets = [each.socket_address for each in places if each.HasField("socket_address")]
        if any(each.Protocol.Name(each.protocol) == "UDP" for each in sockets):
            for each in sockets:
                if _is_ip(each.address):
                    each.address, each.port_value, each.ipv4_compat = LOOPBACK, 0, False
        elif not message.HasField("internal_listener") and not message.HasField("api_listener"):
            message.bind_to_port.value = False

    def cluster(self, message: Any) -> None:
        """Its endpoints are nobody's, and names are asked of the resolver of the bootstrap, which finds none."""
        self._files(message)
        message.ClearField("typed_dns_resolver_config")
        message.ClearField("dns_resolution_config")
        message.ClearField("dns_resolvers")
        by_address = message.WhichOneof("cluster_discovery_type") != "cluster_type"
        by_address = by_address and message.DiscoveryType.Name(message.type) in _STATIC_TYPES
        self._assignment(message.load_assignment, apart=by_address)

    def assignment(self, message: Any) -> None:
        self._assignment(message, apart=True)

    def _assignment(self, message: Any, *, apart: bool) -> None:
        for locality in message.endpoints:
            for each in locality.lb_endpoints:
                if each.HasField("endpoint"):
                    self._endpoint(each.endpoint, apart)

    def _endpoint(self, endpoint: Any, apart: bool) -> None:
        places = [endpoint.address, *(each.address for each in endpoint.additional_addresses)]
        if endpoint.HasField("health_check_config"):
            check = endpoint.health_check_config
            check.port_value = _NOBODY if check.port_value else 0
            places += [check.address] if check.HasField("address") else []
        for each in places:
            if each.HasField("socket_address") and _is_ip(each.socket_address.address):
                self._move(each.socket_address, apart)

    def _move(self, socket: Any, apart: bool) -> None:
        number = self._numbers.setdefault((socket.address, socket.port_value), len(self._numbers) + 1) if apart else 1
        socket.address = str(ipaddress.IPv4Address(LOOPBACK) - 1 + number % 2**24)
        if socket.WhichOneof("port_specifier") == "port_value":
            socket.port_value = _NOBODY

    def _files(self, message: Any, depth: int = 1) -> bool:
        """Let nothing in `message` write to a file; whether that changed anything."""
        full_name = message.DESCRIPTOR.full_name
        if full_name == ANY:
            return self._packed_files(message, depth)
        name = _FILES.get(full_name, "")
        changed = bool(name and getattr(message, name))
        if changed:
            setattr(message, name, _NOWHERE)
        if depth < DEPTH_LIMIT:
            for child in _children(message):
                changed = self._files(child, depth + 1) or changed
        return changed

    def _packed_files(self, packed: Any, depth: int) -> bool:
        inner = self.api.unpacked(packed) if depth < DEPTH_LIMIT else None
        if inner is None or not self._files(inner, depth + 1):
            return False
        packed.value = serialize(self.api, inner)
        return True


_CHANGES: dict[TypeUrl, Callable[[_Changing, Any], None]] = {
    LISTENER: _Changing.listener,
    CLUSTER: _Changing.cluster,
    ENDPOINT: _Changing.assignment,
}


def _children(message: Any) -> Iterator[Any]:
    """The messages in the fields of `message` themselves, not copies."""
    numbers = child_fields(message.DESCRIPTOR)
    for described, value in message.ListFields() if numbers else ():
        if described.number not in numbers:
            continue
        if not described.is_repeated:
            yield value
        elif described.message_type.GetOptions().map_entry:
            yield from (value[key] for key in sorted(value))
        else:
            yield from value


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
