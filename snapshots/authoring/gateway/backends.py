"""What a backendRef leads to: a cluster, or the reason why it leads nowhere. Pure.

Source: Gateway API, "BackendRef", and GEP-1911 for protocols; Kubernetes Services are followed to their EndpointSlices,
for there is no proxy here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.backend_faces import Backend
from snapshots.authoring.gateway.backend_tls import BackendPolicies, BackendTls
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.endpoints import endpoints_name
from snapshots.authoring.gateway.envoy import NO_BACKEND
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.kubernetes import ServicePort
from snapshots.authoring.kinds.references import BackendObjectReference
from snapshots.authoring.kinds.table import FAIRLEAD_GROUP
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import BACKEND_INVALID, BACKEND_NOT_FOUND, REFERENCE_NOT_PERMITTED

Protocol = Literal["http", "h2c", "tcp", "udp"]
# appProtocol, as Kubernetes, IANA and the Gateway API name them, -> what is spoken to the backend, and whether in TLS.
_APP_PROTOCOLS: dict[str, tuple[Protocol, bool]] = {
    "http": ("http", False),
    "kubernetes.io/ws": ("http", False),
    "ws": ("http", False),
    "kubernetes.io/h2c": ("h2c", False),
    "h2c": ("h2c", False),
    "http2": ("h2c", False),
    "grpc": ("h2c", False),
    "https": ("http", True),
    "kubernetes.io/wss": ("http", True),
    "wss": ("http", True),
}


@dataclass(frozen=True, slots=True)
class BackendTarget:
    """A backend that exists, its port (a Service's), and how it is spoken to.

    `tls`: the policy that says so, if any; `client_certificate`: SDS's name of what is shown there, or "".
    `assignment` is what EDS calls its endpoints; `cluster` adds to that how they are spoken to.
    """

    backend: Backend
    port: ServicePort | None
    protocol: Protocol
    tls: BackendTls | None = None
    client_certificate: str = ""

    @property
    def assignment(self) -> str:
        """`Service/shop/carts:8080`, `Service/shop/names:53/udp`, `Backend/shop/carts`."""
        at = f":{self.port.port}" if self.port else ""
        transport = "/udp" if self.port and self.port.protocol == "UDP" else ""
        return f"{endpoints_name(self.backend.key)}{at}{transport}"

    @property
    def cluster(self) -> str:
        """NO_BACKEND where a policy wants TLS and nobody can be trusted: connections must fail, not go in plaintext."""
        if self.tls is not None and self.tls.invalid is not None:
            return NO_BACKEND
        # Raw connections have a cluster of their own: a policy's TLS is not for what is passed through.
        spoken = f"/{self.protocol}" if self.protocol in ("h2c", "tcp") else ""
        spoken = "/tls" if self.protocol == "tcp" and self.tls is not None else spoken
        shown = f"/as/{self.client_certificate}" if self.client_certificate else ""
        return f"{self.assignment}{spoken}{shown}"

    def presenting(self, client_certificate: str) -> BackendTarget:
        """The same backend, shown a Gateway's certificate; as it is, where no TLS is spoken or none is shown."""
        if self.tls is None or not client_certificate:
            return self
        return replace(self, client_certificate=client_certificate)

    @property
    def order(self) -> tuple[bool, str, str]:
        """Of several that have one cluster, which one says how it is: the smallest. Packets are spoken in plaintext."""
        return (self.protocol == "udp", self.protocol, self.tls.name if self.tls is not None else "")


@dataclass(frozen=True, slots=True)
class Backends:
    """Resolves references. `known`: what is known of a Service or Backend; None: it is not there."""

    world: World
    known: Callable[[ObjectKey], Backend | None]
    policies: BackendPolicies

    def resolve(
        self,
        route: AuthoredObject,
        reference: BackendObjectReference,
        at: Path,
        protocol: Protocol,
        concerned: set[ObjectKey],
    ) -> BackendTarget | Complaint:
        """`protocol`: what the route speaks, where the backend does not say otherwise. `at`: the reference's place.
        The policies that are about the backend are added to `concerned`."""
        found = self._find(route, reference, at)
        if isinstance(found, Complaint):
            return found
        return self._target(route, found, reference, at, protocol, concerned)

    def encrypted(self, target: BackendTarget) -> BackendTarget:
        """The same backend for connections whose TLS ended here: in TLS again, where a policy says so."""
        tls = self.policies.of(target.backend.key, target.port.name if target.port is not None else "")
        return target if tls is None else replace(target, tls=tls)

    def _find(self, route: AuthoredObject, reference: BackendObjectReference, at: Path) -> Backend | Complaint:
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
        found = self.known(ObjectKey(reference.kind, namespace, reference.name))
        if found is None:
            hint = did_you_mean(reference.name, self.world.names(reference.kind, namespace))
            text = f'backend "{reference.name}" not found'
            return Complaint(route, (*at, "name"), BACKEND_NOT_FOUND, "BackendNotFound", text, hint)
        return found

    def _target(
        self,
        route: AuthoredObject,
        found: Backend,
        reference: BackendObjectReference,
        at: Path,
        protocol: Protocol,
        concerned: set[ObjectKey],
    ) -> BackendTarget | Complaint:
        port = _service_port(route, found, reference, at, protocol) if found.key.kind == "Service" else None
        if isinstance(port, Complaint):
            return port
        section = port.name if port is not None else ""
        concerned.update(each.policy.key for each in self.policies.about(found.key, section))
        if protocol in ("tcp", "udp"):
            return BackendTarget(found, port, protocol)
        tls = self.policies.of(found.key, section)
        app_protocol = found.app_protocol if port is None else port.app_protocol
        spoken = _spoken(app_protocol, protocol, tls is not None)
        if spoken is None:
            return _unsupported(route, found, str(app_protocol), at)
        return BackendTarget(found, port, spoken, tls)


def _service_port(
    route: AuthoredObject, service: Backend, reference: BackendObjectReference, at: Path, protocol: Protocol
) -> ServicePort | Complaint:
    if service.type == "ExternalName":
        text = f'Service "{service.key.name}" is an ExternalName: it could lead anywhere, whatever grants say'
        hint = "write a Backend with its hostname and port"
        return Complaint(route, (*at, "name"), BACKEND_INVALID, "InvalidKind", text, hint)
    transport = "UDP" if protocol == "udp" else "TCP"
    numbered = [each for each in service.ports if each.port == reference.port]
    port = next((each for each in numbered if each.protocol == transport), None)
    if port is not None:
        return port
    if numbered:
        text = f'port {reference.port} of Service "{service.key.name}" takes {numbered[0].protocol}, not {transport}'
        return Complaint(route, (*at, "port"), BACKEND_INVALID, "UnsupportedProtocol", text)
    known = ", ".join(str(each.port) for each in service.ports)
    text = f'Service "{service.key.name}" has no port {reference.port}'
    hint = f"it has {known}" if known else ""
    return Complaint(route, (*at, "port"), BACKEND_NOT_FOUND, "BackendNotFound", text, hint)


def _spoken(app_protocol: str | None, protocol: Protocol, in_tls: bool) -> Protocol | None:
    """What is spoken to a backend, of those that HTTP routes can speak; None: nothing that the backend takes."""
    if app_protocol is None:
        return protocol
    known = _APP_PROTOCOLS.get(app_protocol.lower())
    if known is None or (known[1] and not in_tls):
        return None
    # What comes over a GRPCRoute is HTTP/2, whatever the backend calls it.
    return "h2c" if protocol == "h2c" else known[0]


def _unsupported(route: AuthoredObject, found: Backend, app_protocol: str, at: Path) -> Complaint:
    known = _APP_PROTOCOLS.get(app_protocol.lower())
    text = f'{found.key} speaks "{app_protocol}", which a {route.key.kind} cannot'
    hint = f"appProtocol is one of {', '.join(_APP_PROTOCOLS)}"
    if known is not None:
        text, hint = f'{found.key} speaks "{app_protocol}", and nothing says whom to trust', "add a BackendTLSPolicy"
    return Complaint(route, (*at, "name"), BACKEND_INVALID, "UnsupportedProtocol", text, hint)
