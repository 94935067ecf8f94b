"""BackendTLSPolicy and Gateways' own certificates: how backends are spoken to, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest
import trustme

from tests.gateways import (
    Object,
    a_backend,
    a_gateway,
    a_route,
    an_object,
    compiled,
    conditions,
    findings,
    made,
    names_made,
    status,
    to_backend,
)

CA = trustme.CA()
CERTIFICATE = CA.issue_cert("edge.internal")
CARTS = "Backend/shop/carts"
POLICY = "BackendTLSPolicy/shop/tls"


def a_config_map(name: str = "ca", pem: str = CA.cert_pem.bytes().decode()) -> Object:
    return an_object("ConfigMap", name, data={"ca.crt": pem})


def a_reference(name: str = "ca", kind: str = "ConfigMap", group: str = "") -> Object:
    return {"group": group, "kind": kind, "name": name}


def a_policy(name: str = "tls", *targets: Object, created: str = "", **validation: Any) -> Object:
    validation = {"hostname": "carts.internal"} | (validation or {"caCertificateRefs": [a_reference()]})
    spec = {"targetRefs": targets or (to_backend(),), "validation": validation}
    return an_object("BackendTLSPolicy", name, spec=spec, metadata={"creationTimestamp": created} if created else {})


def served(*objects: Object, gateway: Object | None = None) -> Any:
    return compiled(gateway or a_gateway(), a_route("web", to_backend()), a_backend(), *objects)


def tls_of(found: Any, cluster: str = CARTS) -> Object:
    socket: Object = made(found, "Cluster", cluster)["transport_socket"]["typed_config"]
    return socket


def told(found: Any, name: str = "tls") -> dict[str, tuple[str, str]]:
    """The conditions of a policy for its only ancestor."""
    (ancestor,) = status(found, "BackendTLSPolicy", name)["ancestors"]
    assert ancestor["ancestorRef"]["name"] == "edge"
    return conditions(ancestor)


def test_a_backend_with_a_policy_is_spoken_to_in_tls() -> None:
    found = served(a_policy(), a_config_map())

    tls = tls_of(found)
    validation = tls["common_tls_context"]["combined_validation_context"]
    assert tls["sni"] == "carts.internal"
    assert validation["default_validation_context"]["match_typed_subject_alt_names"] == [
        {"san_type": "DNS", "matcher": {"exact": "carts.internal"}}
    ]
    assert validation["validation_context_sds_secret_config"]["name"] == POLICY
    assert "inline_bytes" in made(found, "Secret", POLICY)["validation_context"]["trusted_ca"]
    assert told(found) == {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
    assert findings(found) == []


def test_subject_alt_names_take_the_place_of_the_hostname() -> None:
    names = [
        {"type": "Hostname", "hostname": "*.example.com"},
        {"type": "URI", "uri": "spiffe://shop/carts"},
    ]
    found = served(a_policy(wellKnownCACertificates="System", subjectAltNames=names))

    tls = tls_of(found)
    matched = tls["common_tls_context"]["combined_validation_context"]["default_validation_context"]
    assert tls["sni"] == "carts.internal"
    assert matched["match_typed_subject_alt_names"] == [
        {"san_type": "DNS", "matcher": {"suffix": ".example.com"}},
        {"san_type": "URI", "matcher": {"exact": "spiffe://shop/carts"}},
    ]
    assert "filename" in made(found, "Secret", POLICY)["validation_context"]["trusted_ca"]


@pytest.mark.parametrize(
    ("references", "others", "resolved"),
    [
        ([a_reference("missing")], [], "InvalidCACertificateRef"),
        ([a_reference()], [a_config_map(pem="")], "InvalidCACertificateRef"),
        ([a_reference()], [a_config_map(pem="not a certificate")], "InvalidCACertificateRef"),
        ([a_reference(group="example.com", kind="Bundle")], [], "InvalidKind"),
    ],
    ids=["missing", "empty", "not PEM", "kind"],
)
def test_connections_fail_where_nobody_can_be_trusted(
    references: list[Object], others: list[Object], resolved: str
) -> None:
    found = served(a_policy(caCertificateRefs=references), *others)

    assert told(found) == {"Accepted": ("False", "NoValidCACertificate"), "ResolvedRefs": ("False", resolved)}
    assert [code for code, _ in findings(found)] == ["E1107"]
    assert names_made(found, "Cluster") == [], "nothing goes out in plaintext"
    assert conditions(status(found, "HTTPRoute", "web")["parents"][0])["Accepted"] == ("True", "Accepted")


def test_authorities_that_can_be_used_are_used_beside_one_that_cannot() -> None:
    found = served(a_policy(caCertificateRefs=[a_reference(), a_reference("missing")]), a_config_map())

    assert told(found) == {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "InvalidCACertificateRef")}
    assert names_made(found, "Cluster") == [CARTS]


def test_authorities_may_stand_in_a_secret() -> None:
    secret = an_object("Secret", "ca", stringData={"ca.crt": CA.cert_pem.bytes().decode()})
    assert findings(served(a_policy(caCertificateRefs=[a_reference(kind="Secret")]), secret)) == []


def test_a_well_known_set_that_nobody_knows_is_refused() -> None:
    found = served(a_policy(wellKnownCACertificates="example.com/ours"))
    assert told(found)["Accepted"] == ("False", "Invalid")
    assert names_made(found, "Cluster") == []


def test_of_two_policies_for_one_target_the_older_counts() -> None:
    old = a_policy("z-old", created="2026-01-01T00:00:00Z")
    young = a_policy("a-young", created="2026-01-02T00:00:00Z")
    found = served(young, old, a_config_map())

    assert told(found, "z-old")["Accepted"] == ("True", "Accepted")
    assert told(found, "a-young")["Accepted"] == ("False", "Conflicted")
    assert names_made(found, "Secret") == ["BackendTLSPolicy/shop/z-old"]
    assert [code for code, _ in findings(found)] == ["E1108"]


def test_a_policy_that_loses_one_of_its_targets_keeps_the_others() -> None:
    first = a_policy("first", to_backend())
    second = a_policy("second", to_backend(), to_backend("stock"))
    route = a_route("web", to_backend(), to_backend("stock"))
    found = compiled(a_gateway(), route, a_backend(), a_backend("stock"), first, second, a_config_map())

    assert told(found, "second")["Accepted"] == ("True", "Accepted")
    assert findings(found) == [("E1108", "spec.targetRefs[0]")]
    assert names_made(found, "Secret") == ["BackendTLSPolicy/shop/first", "BackendTLSPolicy/shop/second"]


def test_a_policy_for_one_port_goes_before_one_for_all() -> None:
    service = an_object(
        "Service", "carts", spec={"ports": [{"name": "web", "port": 443}, {"name": "admin", "port": 8443}]}
    )
    whole = a_policy("whole", {"group": "", "kind": "Service", "name": "carts"})
    one = a_policy("one", {"group": "", "kind": "Service", "name": "carts", "sectionName": "admin"})
    refs = [{"name": "carts", "port": port} for port in (443, 8443)]
    found = compiled(a_gateway(), a_route("web", *refs), service, whole, one, a_config_map())

    used = {
        port: tls_of(found, f"Service/shop/carts:{port}")["common_tls_context"]["combined_validation_context"][
            "validation_context_sds_secret_config"
        ]["name"]
        for port in (443, 8443)
    }
    assert used == {443: "BackendTLSPolicy/shop/whole", 8443: "BackendTLSPolicy/shop/one"}
    assert told(found, "whole")["Accepted"] == told(found, "one")["Accepted"] == ("True", "Accepted")


@pytest.mark.parametrize(
    ("target", "code", "field"),
    [
        (to_backend("cart"), "E0203", "name"),
        (to_backend(sectionName="web"), "E0203", "sectionName"),
        ({"group": "apps", "kind": "Deployment", "name": "carts"}, "E1101", "kind"),
    ],
)
def test_a_target_that_is_not_there_is_told_at_its_place(target: Object, code: str, field: str) -> None:
    found = served(a_policy("tls", target), a_config_map())

    assert findings(found) == [(code, f"spec.targetRefs[0].{field}")]
    assert status(found, "BackendTLSPolicy", "tls") == {"ancestors": []}
    assert "transport_socket" not in made(found, "Cluster", CARTS)


def a_pair(name: str = "edge") -> Object:
    pair = {
        "tls.crt": CERTIFICATE.cert_chain_pems[0].bytes().decode(),
        "tls.key": CERTIFICATE.private_key_pem.bytes().decode(),
    }
    return an_object("Secret", name, type="kubernetes.io/tls", stringData=pair)


def a_gateway_that_shows(name: str, secret: str, address: str) -> Object:
    tls = {"backend": {"clientCertificateRef": {"name": secret}}}
    return a_gateway(name, tls=tls, addresses=[{"value": address}])


def test_each_gateway_shows_backends_its_own_certificate() -> None:
    both = a_route("web", to_backend(), parentRefs=[{"name": "one"}, {"name": "two"}, {"name": "none"}])
    found = compiled(
        a_gateway_that_shows("one", "first", "10.0.0.1"),
        a_gateway_that_shows("two", "second", "10.0.0.2"),
        a_gateway("none", addresses=[{"value": "10.0.0.3"}]),
        *(both, a_backend(), a_policy(), a_config_map(), a_pair("first"), a_pair("second")),
    )

    shown = {
        name: [each["name"] for each in tls_of(found, name)["common_tls_context"].get(_CERTIFICATES, [])]
        for name in names_made(found, "Cluster")
    }
    assert shown == {
        CARTS: [],
        f"{CARTS}/as/Secret/shop/first": ["Secret/shop/first"],
        f"{CARTS}/as/Secret/shop/second": ["Secret/shop/second"],
    }
    assert names_made(found, "ClusterLoadAssignment") == [CARTS], "the endpoints are the same"


_CERTIFICATES = "tls_certificate_sds_secret_configs"


def test_a_certificate_is_not_shown_where_no_tls_is_spoken() -> None:
    found = served(a_pair(), gateway=a_gateway_that_shows("edge", "edge", "10.0.0.1"))
    assert names_made(found, "Cluster") == [CARTS]


def test_a_certificate_that_is_not_there_is_the_gateways_mistake_alone() -> None:
    found = served(a_policy(), a_config_map(), gateway=a_gateway_that_shows("edge", "missing", "10.0.0.1"))

    assert findings(found) == [("E1107", "spec.tls.backend.clientCertificateRef.name")]
    gateway = conditions(status(found, "Gateway", "edge"))
    assert gateway["ResolvedRefs"] == ("False", "InvalidClientCertificateRef")
    assert gateway["Accepted"] == ("True", "Accepted")
    assert names_made(found, "Cluster") == [CARTS]
