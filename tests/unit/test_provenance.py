"""Where values of what is served come from: the line that says them, a patch's, or none."""

from __future__ import annotations

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.provenance.origins import Provenance, ValueOrigin, origins_document, pointer
from snapshots.authoring.provenance.words import field_meant
from snapshots.authoring.yaml_nodes import Path
from snapshots.model import Document
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPED_ROUTE, TypeUrl

SITE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: fairlead
  addresses: [{value: 10.0.0.1}]
  listeners:
  - {name: http, port: 80, protocol: HTTP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules:
  - matches:
    - path: {value: /buy}
      method: GET
      headers: [{name: x-user, value: ann}]
      queryParams: [{name: q, value: shoes}]
    - path: {type: Exact, value: /basket}
    filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {add: [{name: x-shop, value: web}], remove: [server]}
    retry: {attempts: 3, codes: [502, 503]}
    timeouts: {request: 10s, backendRequest: 2s}
    backendRefs:
    - {group: fairlead.dev, kind: Backend, name: carts, weight: 9}
    - {kind: Service, name: next, port: 80}
---
apiVersion: fairlead.dev/v1
kind: Backend
metadata: {name: carts, namespace: shop}
spec:
  endpoints:
  - {address: 10.0.0.7, port: 8080, zone: a, weight: 3}
---
apiVersion: v1
kind: Service
metadata: {name: next, namespace: shop}
spec:
  ports:
  - {name: web, port: 80, appProtocol: kubernetes.io/h2c}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: next-1, namespace: shop, labels: {kubernetes.io/service-name: next}}
addressType: IPv4
ports: [{name: web, port: 9090}]
endpoints: [{addresses: [10.0.0.8]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: trust, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: next}]
  validation: {hostname: next.internal, wellKnownCACertificates: System}
---
apiVersion: fairlead.dev/v1
kind: EnvoyPatch
metadata: {name: limits, namespace: shop}
spec:
  target: {kind: Backend, name: carts}
  part: Cluster
  merge:
    circuitBreakers:
      thresholds:
      - {maxRequests: 7}
---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: raw}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: raw
  connectTimeout: 1s
"""
PORT_80, CARTS, NEXT = "tcp/10.0.0.1:80", "Backend/shop/carts", "Service/shop/next:80"
RULE = ("virtual_hosts", 1, "routes", 0)
SHARES = (*RULE, "route", "weighted_clusters", "clusters")
SOCKET = ("endpoint", "address", "socket_address")
TLS = ("transport_socket", "typed_config")

# Type, name, path; how and the line.
FIELDS: list[tuple[TypeUrl, str, Path, str, int]] = [
    (LISTENER, PORT_80, ("address", "socket_address", "address"), "document", 6),
    (LISTENER, PORT_80, ("address", "socket_address", "port_value"), "document", 8),
    (ROUTE, PORT_80, ("virtual_hosts", 1, "domains", 0), "document", 15),
    (ROUTE, PORT_80, (*RULE, "match", "path"), "document", 22),
    (ROUTE, PORT_80, ("virtual_hosts", 1, "routes", 1, "match", "path_separated_prefix"), "document", 18),
    (ROUTE, PORT_80, ("virtual_hosts", 1, "routes", 1, "match", "headers", 0, "name"), "document", 20),
    (ROUTE, PORT_80, ("virtual_hosts", 1, "routes", 1, "match", "headers", 1, "string_match", "exact"), "document", 19),
    (ROUTE, PORT_80, ("virtual_hosts", 1, "routes", 1, "match", "query_parameters", 0, "name"), "document", 21),
    (ROUTE, PORT_80, (*SHARES, 0, "weight"), "document", 29),
    (ROUTE, PORT_80, (*SHARES, 0, "response_headers_to_add", 0, "header", "value"), "document", 25),
    (ROUTE, PORT_80, (*SHARES, 0, "response_headers_to_remove", 0), "document", 25),
    (ROUTE, PORT_80, (*SHARES, 1, "name"), "document", 30),
    (ROUTE, PORT_80, (*SHARES, 1, "weight"), "default", 30),
    (ROUTE, PORT_80, (*RULE, "route", "timeout"), "document", 27),
    (ROUTE, PORT_80, (*RULE, "route", "retry_policy", "num_retries"), "document", 26),
    (ROUTE, PORT_80, (*RULE, "route", "retry_policy", "retriable_status_codes", 1), "document", 26),
    (ROUTE, PORT_80, (*RULE, "route", "retry_policy", "per_try_timeout"), "document", 27),
    (ROUTE, PORT_80, ("ignore_port_in_host_matching",), "default", 8),
    (CLUSTER, CARTS, ("connect_timeout",), "default", 35),
    (CLUSTER, CARTS, ("circuit_breakers", "thresholds", 0, "max_requests"), "patch", 69),
    (CLUSTER, NEXT + "/h2c", (*TLS, "sni"), "document", 58),
    (ENDPOINT, CARTS, ("endpoints", 0, "lb_endpoints", 0, *SOCKET, "address"), "document", 37),
    (ENDPOINT, CARTS, ("endpoints", 0, "lb_endpoints", 0, "load_balancing_weight"), "document", 37),
    (ENDPOINT, CARTS, ("endpoints", 0, "locality", "zone"), "document", 37),
    (ENDPOINT, NEXT, ("endpoints", 0, "lb_endpoints", 0, *SOCKET, "address"), "document", 51),
    (ENDPOINT, NEXT, ("endpoints", 0, "lb_endpoints", 0, *SOCKET, "port_value"), "document", 50),
    (CLUSTER, "raw", ("connect_timeout",), "document", 77),
]


@pytest.fixture(scope="module")
def provenance() -> Provenance:
    return Provenance(load_default(), [Document("site.yaml", SITE.encode())])


@pytest.mark.parametrize(("type_url", "name", "path", "how", "line"), FIELDS)
def test_value_is_led_to_its_line(
    provenance: Provenance, type_url: TypeUrl, name: str, path: Path, how: str, line: int
) -> None:
    found = provenance.origins(type_url, name)[path]

    assert (found.how, found.path, found.line) == (how, "site.yaml", line)
    assert found == provenance.place_of(type_url, name, path)


def test_origin_names_the_object_and_its_field(provenance: Provenance) -> None:
    assert provenance.place_of(ROUTE, PORT_80, (*SHARES, 0, "weight")) == ValueOrigin(
        "document", "site.yaml", 29, 65, "HTTPRoute shop/web", "spec.rules[0].backendRefs[0].weight"
    )
    written = provenance.origins(CLUSTER, CARTS)[("circuit_breakers", "thresholds", 0, "max_requests")]
    assert (written.object, str(written)) == ("EnvoyPatch shop/limits", "site.yaml:69 (patch)")


def test_what_is_in_between_is_led_to_what_is_nearest(provenance: Provenance) -> None:
    nearest = provenance.place_of(ROUTE, PORT_80, (*SHARES, 0))
    assert nearest is not None
    assert (nearest.how, nearest.line, nearest.object) == ("object", 29, "HTTPRoute shop/web")


def test_of_what_is_not_served_nothing_is_known(provenance: Provenance) -> None:
    assert provenance.origins(CLUSTER, "nobody") == {}
    assert provenance.place_of(CLUSTER, "nobody") is None
    assert provenance.cause(CLUSTER, "nobody", "words") is None


def test_origins_for_programs_are_by_json_pointer(provenance: Provenance) -> None:
    told = origins_document(provenance.origins(CLUSTER, "raw"))
    assert told["/connect_timeout"] == {
        "how": "document",
        "path": "site.yaml",
        "line": 77,
        "column": 19,
        "object": "EnvoyResource raw",
        "field": "spec.connect_timeout",
    }
    assert pointer(("a/b", 0, "~")) == "/a~1b/0/~0"


WORDS = [
    (
        CLUSTER,
        CARTS,
        "Proto constraint validation failed (ClusterValidationError.CircuitBreakers: embedded message failed validation"
        " | caused by CircuitBreakersValidationError.Thresholds[0]: embedded message failed validation | caused by"
        " CircuitBreakers_ThresholdsValidationError.MaxRequests: value must be less than 5)",
        69,
    ),
    (CLUSTER, "raw", "ClusterValidationError.ConnectTimeout: value must be greater than 1s", 77),
    (ROUTE, PORT_80, f"route: unknown cluster '{CARTS}'", 29),
    (ENDPOINT, CARTS, "malformed IP address: 10.0.0.7. Consider setting resolver_name", 37),
]


@pytest.mark.parametrize(("type_url", "name", "words", "line"), WORDS)
def test_words_of_envoy_are_led_to_the_line_that_they_mean(
    provenance: Provenance, type_url: TypeUrl, name: str, words: str, line: int
) -> None:
    found = provenance.cause(type_url, name, words)
    assert found is not None
    assert found.line == line


def test_words_that_name_nothing_are_led_nowhere(provenance: Provenance) -> None:
    assert provenance.cause(CLUSTER, CARTS, "it is Monday") is None
    assert field_meant({"name": "a", "type": "EDS"}, "XValidationError.Nothing[3]: missing") is None


def test_many_hosts_are_led_to_their_routes_and_listener() -> None:
    hosts = [f"h{number}.example" for number in range(300)]
    parts = SITE.split("---\n")
    routes = [parts[1].replace("name: web", f"name: web-{each[:-8]}").replace("shop.example", each) for each in hosts]
    documents = [Document("routes.yaml", "---\n".join(routes).encode()), Document("site.yaml", SITE.encode())]
    provenance = Provenance(load_default(), documents)

    scope = provenance.place_of(SCOPED_ROUTE, f"{PORT_80}/h7.example", ("name",))

    assert scope is not None
    assert (scope.path, scope.line) == ("site.yaml", 8)
