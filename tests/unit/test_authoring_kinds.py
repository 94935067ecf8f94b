"""The rules across fields of each kind: each one fires, at the field that it is about, and with nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, compiled, to_backend
from tests.gateways import findings as found_in

HTTP = {"name": "http", "port": 80, "protocol": "HTTP"}
CERTIFICATE = {"certificateRefs": [{"name": "web"}]}
RULE = "spec.rules[0]"


def a_listener(**fields: Any) -> Object:
    return {"name": "it", "port": 443, **fields}


def a_rule(kind: str = "HTTPRoute", **fields: Any) -> Object:
    return a_route("web", kind=kind, rules=[fields])


def a_policy(*targets: Object, **validation: Any) -> Object:
    spec = {"targetRefs": targets or [to_backend()], "validation": {"hostname": "carts.internal", **validation}}
    return an_object("BackendTLSPolicy", "tls", spec=spec)


def redirects(**path: str) -> Object:
    return {"type": "RequestRedirect", "requestRedirect": {"path": path} if path else {}}


def an_alternative(**name: str) -> Object:
    return a_policy(wellKnownCACertificates="System", subjectAltNames=[name])


def headers(*names: str) -> list[Object]:
    return [{"headers": [{"name": name, "value": "a"} for name in names]}]


def guarded(protocol: str, **fields: Any) -> Object:
    return {"type": "ExternalAuth", "externalAuth": {"protocol": protocol, "backendRef": to_backend(), **fields}}


def mirrors(**fields: Any) -> Object:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": to_backend(), **fields}}


SYSTEM = {"wellKnownCACertificates": "System"}
GATEWAYS: list[tuple[Object, str]] = [
    (a_gateway("edge", HTTP, HTTP | {"port": 81}), "spec.listeners[1].name"),
    (a_gateway("edge", HTTP, HTTP | {"name": "two"}), "spec.listeners[1]"),
    (a_gateway("edge", a_listener(protocol="HTTP", tls=CERTIFICATE)), "spec.listeners[0].tls"),
    (a_gateway("edge", a_listener(protocol="HTTPS", tls={"mode": "Passthrough"})), "spec.listeners[0].tls.mode"),
    (a_gateway("edge", a_listener(protocol="TLS")), "spec.listeners[0].protocol"),
    (a_gateway("edge", a_listener(protocol="HTTPS", tls={})), "spec.listeners[0].tls"),
    (a_gateway("edge", a_listener(protocol="TCP", hostname="a.example")), "spec.listeners[0].hostname"),
    (a_gateway("edge", addresses=[{"value": "10.0.0.1"}, {"value": "10.0.0.1"}]), "spec.addresses[1]"),
    (an_object("ListenerSet", "more", spec={"parentRef": {"name": "edge"}, "listeners": [HTTP, HTTP | {"port": 81}]}),
     "spec.listeners[1].name"),
]  # fmt: skip
MANY_MATCHES = [{"matches": [{"headers": [{"name": "a", "value": str(n)}]} for n in range(43)]}] * 3
ROUTES: list[tuple[Object, str]] = [
    (a_route("web", parentRefs=[{"name": "edge"}, {"name": "edge"}]), "spec.parentRefs[1]"),
    (a_route("web", parentRefs=[{"name": "edge", "port": 80}, {"name": "edge"}]), "spec.parentRefs[0]"),
    (a_route("web", rules=MANY_MATCHES), "spec.rules"),
    (a_route("calls", kind="GRPCRoute", rules=MANY_MATCHES), "spec.rules"),
    (a_route("web", rules=[{"name": "one"}, {"name": "one"}]), "spec.rules[1].name"),
    (a_rule(matches=[{"path": {"value": "carts"}}]), f"{RULE}.matches[0].path.value"),
    (a_rule(matches=[{"path": {"value": "/a/../b"}}]), f"{RULE}.matches[0].path.value"),
    (a_rule(matches=[{"path": {"value": "/a b"}}]), f"{RULE}.matches[0].path.value"),
    (a_rule(matches=headers("x-a", "x-a")), f"{RULE}.matches[0].headers[1].name"),
    (a_rule(backendRefs=[{"name": "carts"}]), f"{RULE}.backendRefs[0].port"),
    (a_rule(filters=[redirects()], backendRefs=[to_backend()]), f"{RULE}.backendRefs"),
    (a_rule(filters=[redirects(), redirects()]), f"{RULE}.filters[1]"),
    (a_rule(filters=[redirects(), {"type": "URLRewrite", "urlRewrite": {}}]), f"{RULE}.filters[1]"),
    (a_rule(filters=[{"type": "RequestRedirect"}]), f"{RULE}.filters[0].type"),
    (a_rule(filters=[redirects() | {"urlRewrite": {}}]), f"{RULE}.filters[0].urlRewrite"),
    (a_rule(filters=[mirrors(percent=1, fraction={"numerator": 1})]), f"{RULE}.filters[0].requestMirror.fraction"),
    (a_rule(filters=[guarded("HTTP")]), f"{RULE}.filters[0].externalAuth.protocol"),
    (a_rule(filters=[guarded("HTTP", http={}, grpc={})]), f"{RULE}.filters[0].externalAuth.grpc"),
    (a_rule(filters=[guarded("GRPC", http={})]), f"{RULE}.filters[0].externalAuth.http"),
    (a_rule(timeouts={"request": "1s", "backendRequest": "2s"}), f"{RULE}.timeouts.backendRequest"),
    (a_rule("GRPCRoute", matches=[{"method": {}}]), f"{RULE}.matches[0].method"),
    (a_rule("GRPCRoute", filters=[redirects()]), f"{RULE}.filters[0].type"),
    (a_rule("TCPRoute", backendRefs=[{"name": "carts"}]), f"{RULE}.backendRefs[0].port"),
    (a_route("web", to_backend(), kind="TLSRoute", hostnames=["10.0.0.1"]), "spec.hostnames[0]"),
]
OTHERS: list[tuple[Object, str]] = [
    (a_policy(), "spec.validation"),
    (a_policy(caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "ca"}], **SYSTEM),
     "spec.validation.wellKnownCACertificates"),
    (a_policy(to_backend(), to_backend(), **SYSTEM), "spec.targetRefs[1]"),
    (a_policy(to_backend(), to_backend(sectionName="web"), **SYSTEM), "spec.targetRefs[1].sectionName"),
    (an_alternative(type="URI", hostname="carts.internal"), "spec.validation.subjectAltNames[0]"),
    (an_alternative(type="Hostname"), "spec.validation.subjectAltNames[0]"),
    (an_object("Backend", "carts", spec={}), "spec"),
    (a_backend(endpoints=[], hostname="carts.internal", port=80), "spec.hostname"),
    (a_backend(hostname="carts.internal"), "spec.hostname"),
    (a_backend(endpoints=[], port=80), "spec.port"),
    (a_backend(endpoints=[{"address": "carts", "port": 80}]), "spec.endpoints[0].address"),
    (a_backend(endpoints=[{"address": "10.0.0.1", "port": 80}] * 2), "spec.endpoints[1]"),
    (a_backend(endpoints=[{"address": "10.0.0.1", "port": 80, "priority": 1}]), "spec.endpoints"),
    (a_backend(endpoints=[{"address": f"10.1.{n // 250}.{n % 250}", "port": 80, "weight": 1_000_000}
                          for n in range(4295)]), "spec.endpoints"),
    (an_object("Secret", "web", data={"tls.key": "!"}), "data.tls.key"),
    (an_object("EndpointSlice", "carts", addressType="IPv6", endpoints=[{"addresses": ["10.0.0.1"]}]),
     "endpoints[0].addresses[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"), GATEWAYS + ROUTES + OTHERS, ids=lambda each: each if isinstance(each, str) else each["kind"]
)
def test_fields_that_disagree_are_told_at_the_one_to_change(wrong: Object, field: str) -> None:
    assert found_in(compiled(wrong)) == [("E0215", field)]
