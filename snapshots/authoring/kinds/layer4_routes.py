"""TLSRoute, TCPRoute and UDPRoute: connections, or packets, to backends by weight. Gateway API."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from snapshots.authoring.kinds.model import Hostname, Model, SectionName, Wrong, Wrongs
from snapshots.authoring.kinds.references import BackendRef, ParentReference, check_backend, check_parents

_IPV4 = re.compile(r"\d+(\.\d+){3}")


class Layer4Rule(Model, frozen=True, kw_only=True):
    name: SectionName | None = None
    backend_refs: Annotated[tuple[BackendRef, ...], Meta(min_length=1, max_length=16)]


class Layer4Spec(Model, frozen=True, kw_only=True):
    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    rules: Annotated[tuple[Layer4Rule, ...], Meta(min_length=1, max_length=1)]
    use_default_gateways: Literal["All", "None"] | None = None


class TLSRouteSpec(Layer4Spec, frozen=True, kw_only=True):
    hostnames: Annotated[tuple[Hostname, ...], Meta(min_length=1, max_length=1024)]


class TLSRoute(Model, frozen=True, kw_only=True):
    spec: TLSRouteSpec


class TCPRoute(Model, frozen=True, kw_only=True):
    spec: Layer4Spec


class UDPRoute(Model, frozen=True, kw_only=True):
    spec: Layer4Spec


def check_layer4_route(route: TLSRoute | TCPRoute | UDPRoute) -> Wrongs:
    """What several fields must agree on."""
    yield from check_parents(route.spec.parent_refs, ("spec", "parentRefs"))
    for number, rule in enumerate(route.spec.rules):
        for index, backend in enumerate(rule.backend_refs):
            yield from check_backend(backend, ("spec", "rules", number, "backendRefs", index))


def check_tls_route(route: TLSRoute) -> Wrongs:
    """As the others; and an address is no name that a client could ask for."""
    yield from check_layer4_route(route)
    for index, hostname in enumerate(route.spec.hostnames):
        if _IPV4.fullmatch(hostname):
            yield Wrong(("spec", "hostnames", index), f'"{hostname}" is an address, not a host name')
