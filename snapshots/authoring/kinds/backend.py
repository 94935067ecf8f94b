"""Backend: where a service lives outside Kubernetes; backendRefs point at it.  Ours: fairlead.dev/v1."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from msgspec import Meta

from snapshots.authoring.kinds.model import Model, PortNumber, PreciseHostname, Wrong, Wrongs, duplicates

# Envoy adds the weights of one priority up in 32 bits.
_WEIGHTS_LIMIT = 2**32 - 1
_Zone = Annotated[str, Meta(min_length=1, max_length=253)]


class BackendEndpoint(Model, frozen=True, kw_only=True):
    """`address` is an IP; `weight` shares the traffic of a priority; a lower `priority` number is tried first."""

    address: str
    port: PortNumber
    region: _Zone | None = None
    zone: _Zone | None = None
    weight: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    priority: Annotated[int, Meta(ge=0, le=127)] = 0


class BackendSpec(Model, frozen=True, kw_only=True):
    """One of `endpoints` (a list, or `dynamic`: set through the endpoints API) and `hostname` with `port`."""

    endpoints: tuple[BackendEndpoint, ...] | Literal["dynamic"] | None = None
    hostname: PreciseHostname | None = None
    port: PortNumber | None = None
    app_protocol: str | None = None


class Backend(Model, frozen=True, kw_only=True):
    spec: BackendSpec


def check_backend_document(backend: Backend) -> Wrongs:
    """It is either addresses or a name."""
    spec = backend.spec
    if spec.endpoints is None and spec.hostname is None:
        yield Wrong(("spec",), "a Backend needs endpoints, or hostname and port", "add one of them")
    if spec.endpoints is not None and spec.hostname is not None:
        yield Wrong(("spec", "hostname"), "endpoints and hostname exclude each other", "keep one of them")
    if spec.hostname is not None and spec.port is None:
        yield Wrong(("spec", "hostname"), "a hostname needs a port", "add port")
    if spec.port is not None and spec.hostname is None:
        yield Wrong(("spec", "port"), "each endpoint has its own port; this one belongs to hostname", "remove it")
    if isinstance(spec.endpoints, tuple):
        yield from _endpoints(spec.endpoints)


def _endpoints(endpoints: tuple[BackendEndpoint, ...]) -> Wrongs:
    at = ("spec", "endpoints")
    for index, endpoint in enumerate(endpoints):
        try:
            ipaddress.ip_address(endpoint.address)
        except ValueError:
            text = f'"{endpoint.address}" is not an IP address'
            yield Wrong((*at, index, "address"), text, "put a name under spec.hostname instead")
    for index, before in duplicates([(each.address, each.port) for each in endpoints]):
        yield Wrong((*at, index), f"the same address and port as endpoints[{before}]", "remove one, or add the weights")
    for priority in {each.priority for each in endpoints}:
        if sum(each.weight for each in endpoints if each.priority == priority) > _WEIGHTS_LIMIT:
            yield Wrong(
                at, f"the weights of priority {priority} add up to more than {_WEIGHTS_LIMIT:,}", "use smaller ones"
            )
    levels = sorted({each.priority for each in endpoints})
    if levels and levels != list(range(len(levels))):
        yield Wrong(at, f"priorities must be 0, 1, 2 … without a gap, these are {', '.join(map(str, levels))}")
