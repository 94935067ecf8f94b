"""GatewayClass, Gateway and ListenerSet: where connections are taken. Gateway API: the pages of that name."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from snapshots.authoring.kinds.model import (
    GATEWAY_GROUP,
    GroupName,
    Hostname,
    KindName,
    Model,
    ObjectName,
    PortNumber,
    SectionName,
    Wrong,
    Wrongs,
    duplicates,
)
from snapshots.authoring.kinds.references import (
    LocalObjectReference,
    ObjectReference,
    ParentGatewayReference,
    SecretObjectReference,
)
from snapshots.authoring.yaml_nodes import Path

_Text = Annotated[str, Meta(max_length=4096)]
_ProtocolName = Annotated[str, Meta(min_length=1, max_length=255)]


class GatewayClassSpec(Model, frozen=True, kw_only=True):
    controller_name: Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[a-z0-9.-]+/.+$")]
    parameters_ref: ObjectReference | None = None
    description: Annotated[str, Meta(max_length=64)] = ""


class GatewayClass(Model, frozen=True, kw_only=True):
    spec: GatewayClassSpec


class LabelExpression(Model, frozen=True, kw_only=True):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class LabelSelector(Model, frozen=True, kw_only=True):
    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelExpression, ...] = ()


class RouteNamespaces(Model, frozen=True, kw_only=True):
    from_: Literal["All", "Selector", "Same"] = field(name="from", default="Same")
    selector: LabelSelector | None = None


class RouteGroupKind(Model, frozen=True, kw_only=True):
    group: GroupName = GATEWAY_GROUP
    kind: KindName


class AllowedRoutes(Model, frozen=True, kw_only=True):
    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Annotated[tuple[RouteGroupKind, ...], Meta(max_length=8)] = ()


class ListenerTLS(Model, frozen=True, kw_only=True):
    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Annotated[tuple[SecretObjectReference, ...], Meta(max_length=64)] = ()
    options: dict[str, _Text] = field(default_factory=dict)


class Listener(Model, frozen=True, kw_only=True):
    name: SectionName
    hostname: Hostname | None = None
    port: PortNumber
    protocol: _ProtocolName
    tls: ListenerTLS | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class GatewayAddress(Model, frozen=True, kw_only=True):
    type: Annotated[str, Meta(min_length=1, max_length=253)] = "IPAddress"
    value: Annotated[str, Meta(max_length=253)] = ""


class Infrastructure(Model, frozen=True, kw_only=True):
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, _Text] = field(default_factory=dict)
    parameters_ref: LocalObjectReference | None = None


class AllowedListenerNamespaces(Model, frozen=True, kw_only=True):
    from_: Literal["All", "Selector", "Same", "None"] = field(name="from", default="None")
    selector: LabelSelector | None = None


class AllowedListeners(Model, frozen=True, kw_only=True):
    namespaces: AllowedListenerNamespaces = AllowedListenerNamespaces()


class ClientValidation(Model, frozen=True, kw_only=True):
    """Which certificates clients must show."""

    ca_certificate_refs: Annotated[tuple[ObjectReference, ...], Meta(min_length=1, max_length=16)] = field(
        name="caCertificateRefs"
    )
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] = "AllowValidOnly"


class FrontendTLS(Model, frozen=True, kw_only=True):
    validation: ClientValidation | None = None


class PortFrontendTLS(Model, frozen=True, kw_only=True):
    port: PortNumber
    tls: FrontendTLS


class GatewayFrontendTLS(Model, frozen=True, kw_only=True):
    default: FrontendTLS
    per_port: Annotated[tuple[PortFrontendTLS, ...], Meta(max_length=64)] = ()


class BackendClientTLS(Model, frozen=True, kw_only=True):
    client_certificate_ref: SecretObjectReference | None = None


class GatewayTLS(Model, frozen=True, kw_only=True):
    frontend: GatewayFrontendTLS | None = None
    backend: BackendClientTLS | None = None


class GatewaySpec(Model, frozen=True, kw_only=True):
    gateway_class_name: ObjectName
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]
    addresses: Annotated[tuple[GatewayAddress, ...], Meta(max_length=16)] = ()
    infrastructure: Infrastructure | None = None
    allowed_listeners: AllowedListeners = AllowedListeners()
    tls: GatewayTLS | None = None
    default_scope: Literal["All", "None"] | None = None


class Gateway(Model, frozen=True, kw_only=True):
    spec: GatewaySpec


class ListenerSetSpec(Model, frozen=True, kw_only=True):
    parent_ref: ParentGatewayReference
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]


class ListenerSet(Model, frozen=True, kw_only=True):
    spec: ListenerSetSpec


def check_gateway(gateway: Gateway) -> Wrongs:
    """What several fields must agree on."""
    spec = gateway.spec
    yield from _listeners(spec.listeners, ("spec", "listeners"))
    values = [(each.type, each.value) if each.value else index for index, each in enumerate(spec.addresses)]
    for index, before in duplicates(list(values)):
        text = f'the address "{spec.addresses[index].value}" is addresses[{before}] already'
        yield Wrong(("spec", "addresses", index), text, "remove one of the two")
    per_port = spec.tls.frontend.per_port if spec.tls and spec.tls.frontend else ()
    for index, before in duplicates([each.port for each in per_port]):
        text = f"the port {per_port[index].port} is perPort[{before}] already"
        yield Wrong(("spec", "tls", "frontend", "perPort", index), text, "merge the two")


def check_listener_set(listener_set: ListenerSet) -> Wrongs:
    """What several fields must agree on."""
    yield from _listeners(listener_set.spec.listeners, ("spec", "listeners"))


def _listeners(listeners: tuple[Listener, ...], at: Path) -> Wrongs:
    for index, listener in enumerate(listeners):
        yield from _listener(listener, (*at, index))
    for index, before in duplicates([each.name for each in listeners]):
        yield Wrong((*at, index, "name"), f'the name "{listeners[index].name}" is that of listeners[{before}]')
    for index, before in duplicates([(each.port, each.protocol, each.hostname) for each in listeners]):
        text = f"the same port, protocol and hostname as listeners[{before}]"
        yield Wrong((*at, index), text, "give one of them another port or hostname")


def _listener(listener: Listener, at: Path) -> Wrongs:
    tls = listener.tls
    if tls is not None and listener.protocol in ("HTTP", "TCP", "UDP"):
        yield Wrong((*at, "tls"), f"protocol {listener.protocol} has no tls", "remove it, or write HTTPS or TLS")
    if tls is not None and tls.mode == "Passthrough" and listener.protocol == "HTTPS":
        yield Wrong((*at, "tls", "mode"), "protocol HTTPS terminates TLS", "write protocol: TLS to pass it through")
    if tls is None and listener.protocol == "TLS":
        yield Wrong((*at, "protocol"), "protocol TLS needs tls.mode", "add tls")
    if tls is not None and tls.mode == "Terminate" and not tls.certificate_refs and not tls.options:
        yield Wrong((*at, "tls"), "TLS that is terminated needs a certificate", "add certificateRefs")
    if listener.hostname and listener.protocol in ("TCP", "UDP"):
        yield Wrong((*at, "hostname"), f"protocol {listener.protocol} knows no host names", "remove it")
