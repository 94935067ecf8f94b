"""What a backendRef leads to: a cluster, or the reason why it leads nowhere. Pure.

Source: Gateway API, "BackendRef"; Kubernetes Services are followed to their EndpointSlices, for there is no proxy here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.kubernetes import ServicePort
from snapshots.authoring.kinds.references import BackendObjectReference
from snapshots.authoring.kinds.table import FAIRLEAD_GROUP
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import BACKEND_INVALID, BACKEND_NOT_FOUND, REFERENCE_NOT_PERMITTED

Protocol = Literal["http", "h2c", "tcp", "udp"]
# appProtocol, as Kubernetes and the Gateway API name them, -> what is spoken to the backend.
_APP_PROTOCOLS: dict[str, Protocol] = {"kubernetes.io/h2c": "h2c", "kubernetes.io/ws": "http", "http": "http"}


@dataclass(frozen=True, slots=True)
class BackendTarget:
    """A backend that exists: the object, its port (a Service's), and how it is spoken to.

    `assignment` is what EDS calls its endpoints; `cluster` adds to that how they are spoken to.
    """

    backend: AuthoredObject
    port: ServicePort | None
    protocol: Protocol

    @property
    def assignment(self) -> str:
        """`Service/shop/carts:8080`, `Backend/shop/carts`."""
        at = f":{self.port.port}" if self.port else ""
        return f"{self.backend.key.kind}/{self.backend.namespace}/{self.backend.name}{at}"

    @property
    def cluster(self) -> str:
        return self.assignment if self.protocol in ("http", "tcp", "udp") else f"{self.assignment}/{self.protocol}"


@dataclass(slots=True)
class Backends:
    """Resolves references and remembers what was used: only that becomes clusters."""

    world: World
    used: dict[str, BackendTarget] = field(default_factory=dict)

    def resolve(
        self, route: AuthoredObject, reference: BackendObjectReference, at: Path, protocol: Protocol
    ) -> BackendTarget | Complaint:
        """`protocol`: what the route speaks, where the backend does not say otherwise. `at`: the reference's place."""
        found = self._find(route, reference, at)
        if isinstance(found, Complaint):
            return found
        target = _target(route, found, reference, at, protocol)
        if isinstance(target, BackendTarget):
            self.used[target.cluster] = target
        return target

    def _find(self, route: AuthoredObject, reference: BackendObjectReference, at: Path) -> AuthoredObject | Complaint:
        known = {("", "Service"), (FAIRLEAD_GROUP, "Backend")}
        if (reference.group, reference.kind) not in known:
            text = f'a backend of kind "{reference.kind}" (group "{reference.group}") is not supported'
            hint = f"use a Service, or a Backend of group {FAIRLEAD_GROUP}"
            return Complaint(route, (*at, "kind"), BACKEND_INVALID, "InvalidKind", text, hint)
        namespace = reference.namespace or route.namespace
        if not self.world.may_refer(route, reference.group, reference.kind, namespace, reference.name):
            text = f"no ReferenceGrant allows to refer to {reference.kind} {namespace}/{reference.name}"
            hint = f"add a ReferenceGrant to namespace {namespace}"
            return Complaint(route, (*at, "namespace"), REFERENCE_NOT_PERMITTED, "RefNotPermitted", text, hint)
        found = self.world.get(reference.kind, namespace, reference.name)
        if found is None:
            hint = did_you_mean(reference.name, self.world.names(reference.kind, namespace))
            text = f'backend "{reference.name}" not found'
            return Complaint(route, (*at, "name"), BACKEND_NOT_FOUND, "BackendNotFound", text, hint)
        return found


def _target(
    route: AuthoredObject, found: AuthoredObject, reference: BackendObjectReference, at: Path, protocol: Protocol
) -> BackendTarget | Complaint:
    if found.key.kind == "Backend":
        return _spoken(route, found, None, found.model.spec.app_protocol, at, protocol)
    port = next((each for each in found.model.spec.ports if each.port == reference.port), None)
    if port is None:
        ports = ", ".join(str(each.port) for each in found.model.spec.ports)
        text = f'Service "{found.name}" has no port {reference.port}'
        hint = f"it has {ports}" if ports else ""
        return Complaint(route, (*at, "port"), BACKEND_NOT_FOUND, "BackendNotFound", text, hint)
    return _spoken(route, found, port, port.app_protocol, at, protocol)


def _spoken(
    route: AuthoredObject,
    found: AuthoredObject,
    port: ServicePort | None,
    app_protocol: str | None,
    at: Path,
    protocol: Protocol,
) -> BackendTarget | Complaint:
    if protocol == "http" and app_protocol is not None:
        protocol = _APP_PROTOCOLS.get(app_protocol, "http")
    return BackendTarget(found, port, protocol)
