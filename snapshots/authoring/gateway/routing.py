"""How the requests of one connection manager find their routes: route configurations, and what leads to them. Pure.

A few virtual hosts are one route configuration. Of many, a change of one would send all of them, and Envoy would build
all of them anew: above a size they are spread over small ones (`slices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.envoy import ADS, Messages, Part
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import ROUTE
from xds.protocol.wire import field

_ROUTE_CONFIGURATION = "envoy.config.route.v3.RouteConfiguration"
_NAME, _VIRTUAL_HOSTS = b"\x0a", b"\x12"  # fields 1 and 2; the others follow


@dataclass(frozen=True, slots=True)
class ServedHost:
    """A virtual host in its bytes, and its name: its one domain, or one that no hostname has. `targets`: where it
    leads."""

    name: str
    part: Part
    targets: tuple[BackendTarget, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether it serves one host and no other."""
        return not self.name.startswith(("*", "/"))


class Form(Enum):
    """How the virtual hosts of one connection manager are laid out."""

    WHOLE = "one route configuration"
    WHOLE_WITH_WAY_BACK = "one, which connections find that were opened while there were slices"
    SLICES = "many"


@dataclass(frozen=True, slots=True)
class Routing:
    """`fields` are the connection manager's, `filters` come before all others. `guards`: filters that routes turn on,
    once it is known where a request goes."""

    fields: Mapping[str, Any]
    filters: tuple[dict[str, Any], ...] = ()
    guards: tuple[dict[str, Any], ...] = ()


def whole(name: str) -> Routing:
    """All virtual hosts in the route configuration `name`."""
    return Routing({"rds": {"config_source": ADS, "route_config_name": name}})


def route_configuration(name: str, hosts: Iterable[ServedHost], others: Part) -> Resource:
    """A RouteConfiguration that takes over the bytes of its virtual hosts; `others` are its other fields."""
    parts = [each.part for each in hosts]
    pieces = (field(_NAME, name.encode()), *(field(_VIRTUAL_HOSTS, each.body) for each in parts), others.body)
    return Resource.of(ROUTE, name, b"".join(pieces), _together(parts))


def other_fields(messages: Messages, **fields: Any) -> Part:
    """What a RouteConfiguration has beside its name and virtual hosts. A Host header with a port is compared without
    it, and reaches the backend as it came."""
    return messages.part(_ROUTE_CONFIGURATION, {"ignore_port_in_host_matching": True, **fields})


def _together(parts: Iterable[Part]) -> tuple[Reference, ...]:
    return tuple(sorted({reference for each in parts for reference in each.references}))
