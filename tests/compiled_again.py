"""A workspace that is edited again and again: what it comes to on top of what was kept, and alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from api.envoy.registry import load_default
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.kept_workspace import KeptWorkspace
from snapshots.model import Document
from tests.gateways import NAMESPACE, Object, a_backend, a_gateway, a_route, an_object, to_backend
from tests.listeners import a_pair

BETWEEN = "\n---\n"


@dataclass(slots=True)
class EditedWorkspace:
    """Files by path, each a list of documents in JSON or any other text."""

    files: dict[str, list[str]] = field(default_factory=dict)
    kept: KeptWorkspace = field(default_factory=lambda: KeptWorkspace(load_default()))

    def put(self, path: str, *objects: Object) -> None:
        """Have just these in a file; without any the file goes."""
        if objects:
            self.files[path] = [json.dumps(each) for each in objects]
        else:
            self.files.pop(path, None)

    def again(self) -> Compilation:
        return compile_documents(load_default(), self._documents(), kept=self.kept)

    def alone(self) -> Compilation:
        return compile_documents(load_default(), self._documents())

    def _documents(self) -> list[Document]:
        return [Document(path, BETWEEN.join(texts).encode()) for path, texts in self.files.items()]


def outcome(compilation: Compilation) -> dict[str, Any]:
    """All that a compilation says, for comparison."""
    return {
        "owner": (compilation.workspace, compilation.group),
        "resources": compilation.resources,
        "findings": compilation.findings,
        "statuses": [
            (each.subject.key, each.subject.path, each.subject.place, each.status) for each in compilation.statuses
        ],
    }


def a_service(name: str, *ports: Object, **spec: Any) -> Object:
    return an_object("Service", name, spec={"ports": ports or ({"name": "web", "port": 80},), **spec})


def a_slice(name: str, service: str, address: str = "10.1.0.1") -> Object:
    labels = {"kubernetes.io/service-name": service}
    ports = [{"name": "web", "port": 8080}]
    endpoints = [{"addresses": [address]}]
    metadata = {"labels": labels}
    return an_object("EndpointSlice", name, metadata=metadata, addressType="IPv4", ports=ports, endpoints=endpoints)


def a_grant(name: str, namespace: str, *to: Object, kind: str = "HTTPRoute", source: str = NAMESPACE) -> Object:
    group = "gateway.networking.k8s.io"
    source_of = [{"group": group, "kind": kind, "namespace": source}]
    return an_object("ReferenceGrant", name, namespace, spec={"from": source_of, "to": list(to)})


def a_namespace(name: str, **labels: str) -> Object:
    return an_object("Namespace", name, metadata={"labels": labels})


def a_policy(name: str, *targets: Object, **validation: Any) -> Object:
    trusts = validation or {"wellKnownCACertificates": "System"}
    spec = {"targetRefs": targets or (to_backend(),), "validation": {"hostname": "carts.internal", **trusts}}
    return an_object("BackendTLSPolicy", name, spec=spec)


def a_cluster_of_envoys(name: str, resource: str) -> Object:
    spec = {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": resource}
    return {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": name}, "spec": spec}


Edit = tuple[str, tuple[Object, ...]]


def a_tour() -> Iterator[Edit]:
    """Edits in which each thing that something depends on comes, changes or goes by itself: a path, and what stands
    there from then on."""
    to_other = to_backend("far", namespace="other")
    far = an_object("Backend", "far", "other", spec={"endpoints": [{"address": "10.9.0.1", "port": 80}]})
    on = {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "*.example"}
    secure = on | {"tls": {"certificateRefs": [{"name": "cert"}]}}
    plain = {"name": "http", "port": 80, "protocol": "HTTP"}
    tcp, udp = {"name": "tcp", "port": 90, "protocol": "TCP"}, {"name": "udp", "port": 91, "protocol": "UDP"}
    selecting = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}}
    of_service = {"name": "names", "port": 80}
    yield (
        "fairlead.yaml",
        ({"apiVersion": "fairlead.dev/v1", "kind": "Workspace", "metadata": {"name": "w"}, "spec": {"group": "g"}},),
    )
    yield "web.yaml", (a_route("web", to_backend(), hostnames=["a.example"]),)  # nothing is there yet
    yield "gateway.yaml", (a_gateway(),)
    yield "carts.yaml", (a_backend("cart"),)  # nearly what is referred to
    yield "carts.yaml", (a_backend("carts"),)
    yield "carts.yaml", (a_backend("carts", endpoints=[{"address": "10.0.0.8", "port": 81}]),)
    yield "carts.yaml", (a_backend("carts", hostname="carts.internal", port=80),)
    yield "carts.yaml", (a_backend("carts", endpoints="dynamic"),)
    yield "carts.yaml", (a_backend("carts", endpoints=[{"address": "10.0.0.8", "port": 81}], appProtocol="h2c"),)
    yield "rpc.yaml", (a_route("rpc", to_backend(), kind="GRPCRoute", hostnames=["a.example"]),)  # too late
    yield "web.yaml", (a_route("web", to_backend(), hostnames=["b.example"]),)  # and no more
    yield "web.yaml", (a_route("web", to_backend(), hostnames=["a.example"]),)
    yield "rpc.yaml", ()
    yield "any.yaml", (a_route("any", to_backend(), hostnames=["*.example"]),)
    yield "any.yaml", (a_route("any", to_backend(weight=0), hostnames=["*.example"]),)
    yield "twin.yaml", (a_route("twin", to_backend(), hostnames=["a.example"]),)  # never asked for
    yield (
        "twin.yaml",
        (a_route("twin", to_backend(), hostnames=["a.example"], rules=[{"matches": [{"path": {"value": "/x"}}]}]),),
    )
    yield "far.yaml", (a_route("far", to_other),)  # refused: no grant
    yield "other.yaml", (far,)
    yield "grant.yaml", (a_grant("g", "other", {"group": "fairlead.dev", "kind": "Backend"}),)
    yield "grant.yaml", (a_grant("g", "other", {"group": "fairlead.dev", "kind": "Backend", "name": "near"}),)
    yield "grant.yaml", (a_grant("g", "other", {"group": "fairlead.dev", "kind": "Backend", "name": "far"}),)
    yield "policy.yaml", (a_policy("b"),)
    yield "older.yaml", (a_policy("a", caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "trust"}]),)
    pem = base64.b64decode(a_pair()["data"]["tls.crt"]).decode()
    yield "trust.yaml", (an_object("ConfigMap", "trust", data={"ca.crt": pem}),)
    yield "older.yaml", ()
    yield "policy.yaml", (a_policy("b", to_backend("carts"), to_backend("gone")),)
    yield "gateway.yaml", (a_gateway("edge", plain, secure),)  # no certificate
    yield "secret.yaml", (a_pair("cert"),)
    yield "secret.yaml", (a_pair("cert") | {"data": {"tls.crt": "AAAA"}},)
    yield "secret.yaml", (a_pair("cert"),)
    client = {"backend": {"clientCertificateRef": {"name": "cert"}}}
    yield "gateway.yaml", (a_gateway("edge", plain, secure, tls=client),)
    check = {
        "frontend": {
            "default": {"validation": {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "trust"}]}}
        }
    }
    yield "gateway.yaml", (a_gateway("edge", plain, secure, tls=check),)
    yield "trust.yaml", ()
    yield "class.yaml", (an_object("GatewayClass", "fairlead", spec={"controllerName": "somebody.else/controller"}),)
    yield (
        "class.yaml",
        (an_object("GatewayClass", "fairlead", spec={"controllerName": "fairlead.dev/gateway-controller"}),),
    )
    yield "gateway.yaml", (a_gateway("edge", plain | {"allowedRoutes": selecting}),)
    yield "namespace.yaml", (a_namespace("shop", team="a"),)
    yield "namespace.yaml", (a_namespace("shop", team="b"),)
    yield "namespace.yaml", ()
    yield (
        "gateway.yaml",
        (a_gateway("edge", plain, tcp, udp, defaultScope="All", allowedListeners={"namespaces": {"from": "Same"}}),),
    )
    yield (
        "default.yaml",
        (
            an_object(
                "HTTPRoute", "lost", spec={"useDefaultGateways": "All", "rules": [{"backendRefs": [to_backend()]}]}
            ),
        ),
    )
    listeners = [{"name": "more", "port": 8080, "protocol": "HTTP", "hostname": "c.example"}]
    more = {"parentRef": {"name": "edge"}, "listeners": listeners}
    yield "set.yaml", (an_object("ListenerSet", "more", spec=more),)
    yield "gateway.yaml", (a_gateway("edge", plain, tcp, udp),)
    yield (
        "tcp.yaml",
        (a_route("tcp", of_service, kind="TCPRoute", parentRefs=[{"name": "edge", "sectionName": "tcp"}]),),
    )
    yield "service.yaml", (a_service("names"),)
    yield "slice.yaml", (a_slice("one", "names"),)
    yield "slice.yaml", (a_slice("one", "names", "10.1.0.2"),)
    yield "slice2.yaml", (a_slice("two", "names", "10.1.0.3"),)
    yield "service.yaml", (a_service("names", {"name": "web", "port": 81}),)
    yield (
        "service.yaml",
        (a_service("names", {"name": "web", "port": 80}, {"name": "web", "port": 80, "protocol": "UDP"}),),
    )
    mixed = [of_service, to_backend("carts")]
    yield "udp.yaml", (a_route("udp", *mixed, kind="UDPRoute", parentRefs=[{"name": "edge", "sectionName": "udp"}]),)
    yield "slice.yaml", ()
    yield "slice2.yaml", ()
    yield "raw.yaml", (a_cluster_of_envoys("raw", "Backend/shop/carts"),)  # two of one name
    yield "raw.yaml", (a_cluster_of_envoys("raw", "raw"), a_cluster_of_envoys("raw", "other"))
    yield "web2.yaml", (a_route("web", to_backend("nowhere")),)  # two of one name
    yield "web.yaml", ()
    yield "web2.yaml", (a_namespace("unused"), a_route("web", to_backend("nowhere")))  # moved
    patch = {
        "target": {"kind": "HTTPRoute", "name": "any"},
        "part": "Route",
        "merge": {"decorator": {"operation": "any"}},
    }
    yield "patch.yaml", (an_object("EnvoyPatch", "p", spec=patch),)
    patch = {
        "target": {"kind": "Gateway", "name": "edge"},
        "part": "Listener",
        "merge": {"perConnectionBufferLimitBytes": 5},
    }
    yield "patch.yaml", (an_object("EnvoyPatch", "p", spec=patch),)
    yield "patch.yaml", ()
    again = {"parentRefs": [{"name": "edge", "sectionName": "http"}]}
    yield "gateway.yaml", (a_gateway("edge", plain),)
    yield "web2.yaml", (a_route("web", to_backend(), hostnames=["a.example"]),)
    yield "twin.yaml", (a_route("twin", to_backend(), hostnames=["a.example"], **again),)  # goes first
    yield "gateway.yaml", (a_gateway("edge", plain, plain | {"name": "second", "port": 81}),)  # but not there
    yield "first.yaml", (a_route("first", to_backend(), hostnames=["a.example"]),)  # goes before both
    yield "many.yaml", (a_route("many", to_backend(), hostnames=["b.example", "c.example", "d.example"]),)
    yield "any.yaml", (a_route("any", to_backend(), hostnames=["*.example"]),)
    rule = {"matches": [{"path": {"value": "/longer"}}], "backendRefs": [to_backend()]}
    yield "many.yaml", (a_route("many", hostnames=["b.example", "c.example", "d.example"], rules=[rule]),)
    yield "many.yaml", (a_route("many", to_backend(), hostnames=["b.example"]),)
    yield "many.yaml", ()
    auth = {"protocol": "HTTP", "http": {}, "backendRef": to_backend("guard")}
    asking = {"type": "ExternalAuth", "externalAuth": auth}
    guarded = [{"matches": [{"path": {"value": "/guarded"}}], "filters": [asking], "backendRefs": [to_backend()]}]
    yield "guard.yaml", (a_backend("guard", endpoints=[{"address": "10.0.0.1", "port": 80}]),)
    yield "guarded.yaml", (a_route("guarded", hostnames=["a.example"], rules=guarded),)
    yield "guard.yaml", ()
    yield "guard.yaml", (a_backend("guard", endpoints=[{"address": "10.0.0.1", "port": 80}], appProtocol="h2c"),)
    yield "guarded.yaml", ()
    taking = {"allowedListeners": {"namespaces": {"from": "Same"}}}
    yield "gateway.yaml", (a_gateway("edge", plain, **taking),)
    own = {"parentRef": {"name": "edge"}, "listeners": [plain | {"hostname": "a.example"}]}
    yield "set.yaml", (an_object("ListenerSet", "more", spec=own),)
    yield "set.yaml", ()
    yield "gateway.yaml", (a_gateway("edge", plain, defaultScope="All"),)
    yield "gateway.yaml", (a_gateway("edge", plain, tls=client),)
    yield "secret.yaml", ()
    trusting = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "trust"}]}
    yield "trust.yaml", (an_object("ConfigMap", "trust", data={"ca.crt": pem}),)
    yield "policy.yaml", (a_policy("b", **trusting),)
    yield "trust.yaml", (an_object("ConfigMap", "trust", data={"ca.crt": pem + pem}),)
    yield "older.yaml", (a_policy("a", to_backend("late")),)
    yield "policy.yaml", (a_policy("b", to_backend("late")),)
    yield "late.yaml", (a_backend("late"),)
    yield "late.yaml", ()
    yield "web2.yaml", (a_route("web", of_service),)
    yield "service.yaml", (a_service("names"),)
    yield "slice.yaml", (a_slice("one", "names"),)
    yield "service.yaml", (a_service("names", {"name": "api", "port": 80}),)
    yield "gateway.yaml", ()
    yield (
        "fairlead.yaml",
        ({"apiVersion": "fairlead.dev/v1", "kind": "Workspace", "metadata": {"name": "v"}, "spec": {"group": "g"}},),
    )
