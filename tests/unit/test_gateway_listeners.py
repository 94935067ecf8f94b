"""Listeners: who is in conflict with whom, what is unusable and why, and what Gateways and ListenerSets are told."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.gateways import (
    Object,
    a_gateway,
    a_route,
    an_object,
    compiled,
    conditions,
    findings,
    made,
    names_made,
    status,
)
from tests.listeners import (
    a_listener,
    a_listener_set,
    a_pair,
    aged,
    authorities,
    of_listener,
    passthrough,
    terminating,
)

SERVED = ("True", "Programmed")
SETS_OF_ALL = {"allowedListeners": {"namespaces": {"from": "All"}}}


def verdicts(whole: Object, condition: str) -> dict[str, str]:
    """Listener -> the reason of one of its conditions."""
    return {each["name"]: conditions(each)[condition][1] for each in whole["listeners"]}


@pytest.mark.parametrize(
    ("listeners", "reasons"),
    [
        # Told apart by port, host name or transport.
        ([a_listener("a", 80), a_listener("b", 81)], {"a": "NoConflicts", "b": "NoConflicts"}),
        ([a_listener("a", 80), a_listener("b", 80, hostname="b.example")], {"a": "NoConflicts", "b": "NoConflicts"}),
        ([a_listener("a", 53, "TCP"), a_listener("b", 53, "UDP")], {"a": "NoConflicts", "b": "NoConflicts"}),
        (
            [terminating("a", 443, "a.example"), passthrough("b", 443, "b.example")],
            {"a": "NoConflicts", "b": "NoConflicts"},
        ),
        # Not told apart: nobody wins, and nobody else falls with them.
        ([terminating("a", 443), passthrough("b", 443)], {"a": "HostnameConflict", "b": "HostnameConflict"}),
        (
            [a_listener("a", 80), a_listener("b", 80, "TCP"), a_listener("c", 81)],
            {"a": "ProtocolConflict", "b": "ProtocolConflict", "c": "NoConflicts"},
        ),
        (
            [terminating("a", 443, "a.example"), a_listener("b", 443, "TCP"), terminating("c", 443, "c.example")],
            {"a": "ProtocolConflict", "b": "ProtocolConflict", "c": "ProtocolConflict"},
        ),
        ([a_listener("a", 443), terminating("b", 443)], {"a": "ProtocolConflict", "b": "ProtocolConflict"}),
    ],
)
def test_listeners_of_one_gateway_that_are_not_distinct_are_all_out(
    listeners: list[Object], reasons: dict[str, str]
) -> None:
    whole = status(compiled(a_gateway("edge", *listeners), a_pair()), "Gateway", "edge")
    assert verdicts(whole, "Conflicted") == reasons
    out = {name for name, reason in reasons.items() if reason != "NoConflicts"}
    for name, reason in reasons.items():
        told = of_listener(whole, name)
        assert told["Accepted"] == (("False", reason) if name in out else ("True", "Accepted"))
        assert told["Programmed"] == (("False", reason) if name in out else SERVED)
    assert conditions(whole)["Accepted"] == (
        "True" if len(out) < len(reasons) else "False",
        "ListenersNotValid" if out else "Accepted",
    )


def test_a_gateway_goes_before_its_sets_and_an_older_set_before_a_younger() -> None:
    a, b = (a_listener(each, 80, hostname=f"{each}.example") for each in "ab")
    gateway = a_gateway("edge", a_listener("own", 80, hostname="a.example"), **SETS_OF_ALL)
    older = a_listener_set("z", a, b)
    younger = a_listener_set("a", b, a_listener("c", 80, "TCP"), namespace="other")
    for order in permutations((aged(gateway, 9), aged(older, 1), aged(younger, 2))):
        found = compiled(*order)
        edge = status(found, "Gateway", "edge")
        assert verdicts(edge, "Conflicted") == {"own": "NoConflicts"}
        assert edge["attachedListenerSets"] == 1
        first, second = status(found, "ListenerSet", "z"), status(found, "ListenerSet", "a")
        assert verdicts(first, "Conflicted") == {"a": "HostnameConflict", "b": "NoConflicts"}
        assert conditions(first) == {"Accepted": ("True", "ListenersNotValid"), "Programmed": SERVED}
        assert verdicts(second, "Conflicted") == {"b": "HostnameConflict", "c": "ProtocolConflict"}
        refused = ("False", "ListenersNotValid")
        assert conditions(second) == {"Accepted": refused, "Programmed": refused}


def test_a_listener_without_its_certificate_keeps_its_hosts() -> None:
    gateway = a_gateway("edge", terminating("own", 443, "a.example", secret="missing"), **SETS_OF_ALL)
    found = compiled(gateway, a_listener_set("more", terminating("theirs", 443, "a.example")), a_pair())
    assert verdicts(status(found, "Gateway", "edge"), "Conflicted") == {"own": "NoConflicts"}
    assert verdicts(status(found, "ListenerSet", "more"), "Conflicted") == {"theirs": "HostnameConflict"}
    assert found.resources == ()


def test_a_gateway_that_is_not_served_is_in_nobodys_way() -> None:
    sized = {"parametersRef": {"group": "example.com", "kind": "Size", "name": "large"}}
    refused = aged(a_gateway("refused", a_listener("http", 80), infrastructure=sized), 1)
    found = compiled(refused, aged(a_gateway("edge", a_listener("raw", 80, "TCP")), 2))
    assert conditions(status(found, "Gateway", "edge"))["Programmed"] == SERVED


def test_a_set_is_not_told_what_stands_in_sets_of_other_namespaces() -> None:
    gateway = a_gateway("edge", a_listener("own", 80, hostname="own.example"), **SETS_OF_ALL)
    secret = a_listener_set("secret", a_listener("hidden", 443, "TCP"), namespace="theirs")
    mine = a_listener_set("mine", a_listener("a", 443, "TCP"))
    told = next(each.message for each in compiled(gateway, aged(secret, 1), aged(mine, 2)).findings)
    assert "443" in told
    assert not any(word in told for word in ("secret", "hidden", "theirs"))


def test_a_younger_gateway_does_not_take_down_an_older_one_at_the_same_address() -> None:
    addresses = {"addresses": [{"value": "10.0.0.1"}]}
    older = aged(a_gateway("older", a_listener("http", 80), **addresses), 1)
    younger = aged(a_gateway("younger", a_listener("tcp", 80, "TCP"), **addresses), 2)
    elsewhere = a_gateway("elsewhere", a_listener("tcp", 80, "TCP"), addresses=[{"value": "10.0.0.2"}])
    found = compiled(younger, older, elsewhere)
    assert conditions(status(found, "Gateway", "older"))["Programmed"] == SERVED
    assert conditions(status(found, "Gateway", "elsewhere"))["Programmed"] == SERVED
    assert conditions(status(found, "Gateway", "younger"))["Accepted"] == ("False", "ListenersNotValid")
    assert names_made(found, "Listener") == ["tcp/10.0.0.1:80", "tcp/10.0.0.2:80"]


@pytest.mark.parametrize(
    ("kinds", "supported", "resolved"),
    [
        ([], ["HTTPRoute", "GRPCRoute"], ("True", "ResolvedRefs")),
        (["GRPCRoute"], ["GRPCRoute"], ("True", "ResolvedRefs")),
        (["TCPRoute", "HTTPRoute"], ["HTTPRoute"], ("False", "InvalidRouteKinds")),
        (["Pigeon"], [], ("False", "InvalidRouteKinds")),
    ],
)
def test_supported_kinds_are_those_allowed_that_the_protocol_can_serve(
    kinds: list[str], supported: list[str], resolved: tuple[str, str]
) -> None:
    listener = a_listener("http", 80) | {"allowedRoutes": {"kinds": [{"kind": each} for each in kinds]}}
    whole = status(compiled(a_gateway("edge", listener)), "Gateway", "edge")
    assert [each["kind"] for each in whole["listeners"][0]["supportedKinds"]] == supported
    told = of_listener(whole, "http")
    assert (told["ResolvedRefs"], told["Accepted"]) == (resolved, ("True", "Accepted"))
    assert conditions(whole)["ResolvedRefs"][0] == resolved[0]


def test_an_unknown_protocol_takes_its_own_listener_out() -> None:
    found = compiled(a_gateway("edge", a_listener("http", 80), a_listener("odd", 81, "example.com/odd")))
    whole = status(found, "Gateway", "edge")
    assert of_listener(whole, "odd")["Accepted"] == ("False", "UnsupportedProtocol")
    assert conditions(whole)["Accepted"] == ("True", "ListenersNotValid")
    assert findings(found) == [("E1105", "spec.listeners[1].protocol")]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, {"Accepted": ("True", "Accepted"), "Programmed": SERVED}),
        ({"addresses": [{"type": "IPAddress"}]}, {"Accepted": ("True", "Accepted"), "Programmed": SERVED}),
        (
            {"addresses": [{"value": "10.0.0.1"}, {"type": "Hostname", "value": "a.example"}]},
            {"Accepted": ("False", "UnsupportedAddress"), "Programmed": ("False", "Invalid")},
        ),
        (
            {"addresses": [{"value": "10.0.0.1"}, {"value": "my-address"}]},
            {"Accepted": ("True", "Accepted"), "Programmed": ("False", "AddressNotUsable")},
        ),
        (
            {"addresses": [{"value": "224.0.0.1"}]},
            {"Accepted": ("True", "Accepted"), "Programmed": ("False", "AddressNotUsable")},
        ),
        (
            {"infrastructure": {"parametersRef": {"group": "example.com", "kind": "Size", "name": "large"}}},
            {"Accepted": ("False", "InvalidParameters"), "Programmed": ("False", "Invalid")},
        ),
    ],
)
def test_addresses_and_parameters(spec: Object, told: dict[str, tuple[str, str]]) -> None:
    found = compiled(a_gateway("edge", a_listener("http", 80), **spec))
    whole = status(found, "Gateway", "edge")
    assert {key: value for key, value in conditions(whole).items() if key != "ResolvedRefs"} == told
    addresses = {each["value"] for each in whole["addresses"]}
    usable = {"10.0.0.1"} if "10.0.0.1" in str(spec) else {"0.0.0.0"} if "224" not in str(spec) else set()
    assert addresses == (usable if told["Accepted"][0] == "True" else set())
    assert {name.split("/")[1].split(":")[0] for name in names_made(found, "Listener")} == addresses


def test_every_unusable_address_is_told_and_without_another_nothing_is_programmed() -> None:
    addresses = [{"value": "my-address"}, {"value": "224.0.0.1"}]
    gateway = a_gateway("edge", a_listener("http", 80), addresses=addresses, **SETS_OF_ALL)
    found = compiled(gateway, a_listener_set("more", a_listener("a", 81)))
    assert findings(found) == [("E1109", f"spec.addresses[{index}].value") for index in range(2)]
    assert of_listener(status(found, "Gateway", "edge"), "http")["Programmed"] == ("False", "Invalid")
    told = conditions(status(found, "ListenerSet", "more"))
    assert told == {"Accepted": ("True", "Accepted"), "Programmed": ("False", "ParentNotProgrammed")}
    assert found.resources == ()


def test_a_listener_set_of_a_gateway_that_is_refused_is_told_so() -> None:
    parameters = {"parametersRef": {"group": "example.com", "kind": "Size", "name": "large"}}
    gateway = a_gateway("edge", a_listener("http", 80), infrastructure=parameters, **SETS_OF_ALL)
    found = compiled(gateway, a_listener_set("more", a_listener("a", 81)))
    assert conditions(status(found, "ListenerSet", "more")) == {
        "Accepted": ("False", "ParentNotAccepted"),
        "Programmed": ("False", "ParentNotProgrammed"),
    }
    assert status(found, "Gateway", "edge")["attachedListenerSets"] == 0
    assert not found.resources


def test_a_gateway_class_with_parameters_is_refused_and_its_gateways_stay() -> None:
    reference = {"group": "example.com", "kind": "Size", "name": "large"}
    spec = {"controllerName": "fairlead.dev/gateway-controller", "parametersRef": reference}
    found = compiled(an_object("GatewayClass", "fairlead", spec=spec), a_gateway("edge", a_listener("http", 80)))
    assert conditions(status(found, "GatewayClass", "fairlead")) == {"Accepted": ("False", "InvalidParameters")}
    assert conditions(status(found, "Gateway", "edge"))["Programmed"] == SERVED


def test_a_gateway_class_is_accepted_and_tells_what_is_supported_in_order() -> None:
    found = compiled(an_object("GatewayClass", "fairlead", spec={"controllerName": "fairlead.dev/gateway-controller"}))
    told = status(found, "GatewayClass", "fairlead")
    features = [each["name"] for each in told["supportedFeatures"]]
    assert conditions(told) == {"Accepted": ("True", "Accepted")}
    assert features == sorted(features)
    assert {"Gateway", "HTTPRoute", "HTTPRouteRetry", "TLSRouteModeMixed", "UDPRoute"} <= set(features)
    assert [each for each in features if each.startswith("Mesh")] == []


def test_a_class_of_another_controller_is_none_of_our_business() -> None:
    spec = {"controllerName": "example.com/other"}
    gateway = a_gateway("edge", a_listener("http", 80), **SETS_OF_ALL)
    foreign = an_object("GatewayClass", "fairlead", spec=spec)
    found = compiled(foreign, gateway, a_listener_set("a", a_listener("b", 81)))
    assert (found.resources, found.statuses, found.findings) == ((), (), ())


@pytest.mark.parametrize(
    ("allowed", "namespace", "is_taken"),
    [
        (None, "shop", False),
        ({"from": "None"}, "shop", False),
        ({"from": "Same"}, "shop", True),
        ({"from": "Same"}, "other", False),
        ({"from": "All"}, "other", True),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}, "other", True),
        ({"from": "Selector", "selector": {"matchLabels": {"team": "db"}}}, "other", False),
        ({"from": "Selector"}, "other", False),
    ],
)
def test_which_listener_sets_a_gateway_takes(allowed: Object | None, namespace: str, is_taken: bool) -> None:
    spec = {} if allowed is None else {"allowedListeners": {"namespaces": allowed}}
    found = compiled(
        a_gateway("edge", a_listener("http", 80), **spec),
        a_listener_set("more", a_listener("a", 81), namespace=namespace),
        an_object("Namespace", "other", metadata={"labels": {"team": "web"}}),
    )
    refused = ("False", "NotAllowed")
    told = conditions(status(found, "ListenerSet", "more"))
    assert told == (
        {"Accepted": ("True", "Accepted"), "Programmed": SERVED}
        if is_taken
        else {"Accepted": refused, "Programmed": refused}
    )
    assert ("tcp/0.0.0.0:81" in names_made(found, "Listener")) is is_taken
    assert [each.code for each in found.findings] == ([] if is_taken else ["E1110"])


def test_a_set_without_its_gateway_is_warned_of_and_not_more() -> None:
    found = compiled(
        a_listener_set("more", a_listener("a", 81), gateway="egde"), a_gateway("edge", a_listener("http", 80))
    )
    assert [(each.code, each.severity, each.suggestion) for each in found.findings] == [
        ("W1111", "warning", 'did you mean "edge"?')
    ]
    assert all(each.subject.name != "more" for each in found.statuses)


@pytest.mark.parametrize(
    ("listener", "reason", "served"),
    [
        (terminating("a", 443), "ResolvedRefs", True),
        (terminating("a", 443, secret="missing"), "InvalidCertificateRef", False),
        (
            terminating("a", 443) | {"tls": {"certificateRefs": [{"name": "missing"}, {"name": "pair"}]}},
            "InvalidCertificateRef",
            True,
        ),
        (
            terminating("a", 443) | {"tls": {"certificateRefs": [{"name": "pair", "namespace": "other"}]}},
            "RefNotPermitted",
            False,
        ),
        (a_listener("a", 443, "HTTPS"), "InvalidCertificateRef", False),
    ],
)
def test_a_listener_serves_with_what_is_left_of_its_certificates(listener: Object, reason: str, served: bool) -> None:
    found = compiled(a_gateway("edge", listener), a_pair(), a_pair(namespace="other"))
    whole = status(found, "Gateway", "edge")
    told = of_listener(whole, "a")
    assert told["ResolvedRefs"] == ("True" if reason == "ResolvedRefs" else "False", reason)
    assert told["Programmed"] == (SERVED if served else ("False", "Invalid"))
    expected = ("True", "ResolvedRefs") if reason == "ResolvedRefs" else ("False", "ListenersNotResolved")
    assert conditions(whole)["ResolvedRefs"] == expected
    assert names_made(found, "Secret") == (["Secret/shop/pair"] if served else [])


def test_a_tls_option_that_nobody_knows_is_not_served_as_if_it_were_not_there() -> None:
    listener = terminating("a", 443)
    listener["tls"]["options"] = {"example.com/oldest-version": "1.3"}
    told = of_listener(status(compiled(a_gateway("edge", listener), a_pair()), "Gateway", "edge"), "a")
    assert (told["Accepted"], told["Programmed"]) == (("False", "UnsupportedValue"), ("False", "Invalid"))


def test_overlapping_tls_is_told_to_both_and_to_nobody_else() -> None:
    names = {"a": "*.example.com", "b": "foo.example.com", "c": "foo.example.org", "d": ""}
    listeners = [terminating(each, 443, name) for each, name in names.items() if each != "d"]
    gateway = a_gateway(
        "edge", *listeners, terminating("other-port", 444, "bar.example.com"), passthrough("p", 443, "*.example.org")
    )
    whole = status(compiled(gateway, a_pair()), "Gateway", "edge")
    told = {each["name"]: "OverlappingTLSConfig" in conditions(each) for each in whole["listeners"]}
    assert told == {"a": True, "b": True, "c": False, "other-port": False, "p": False}


def frontend(default: Object, **per_port: Object) -> Object:
    ports = [{"port": int(port[1:]), "tls": {"validation": each}} for port, each in per_port.items()]
    return {"tls": {"frontend": {"default": {"validation": default}, "perPort": ports}}}


def trusting(*names: str, kind: str = "ConfigMap", **more: Any) -> Object:
    return {"caCertificateRefs": [{"group": "", "kind": kind, "name": name, **more} for name in names]}


@pytest.mark.parametrize(
    ("validation", "resolved", "accepted"),
    [
        (trusting("clients"), ("True", "ResolvedRefs"), ("True", "Accepted")),
        (trusting("missing"), ("False", "InvalidCACertificateRef"), ("False", "NoValidCACertificate")),
        (trusting("web", kind="Service"), ("False", "InvalidCACertificateKind"), ("False", "NoValidCACertificate")),
        (trusting("clients", namespace="other"), ("False", "RefNotPermitted"), ("False", "NoValidCACertificate")),
        (trusting("missing", "clients"), ("False", "InvalidCACertificateRef"), ("True", "Accepted")),
    ],
)
def test_clients_are_checked_on_https_alone_and_a_port_may_differ(
    validation: Object, resolved: tuple[str, str], accepted: tuple[str, str]
) -> None:
    gateway = a_gateway(
        "edge",
        terminating("a", 443),
        terminating("b", 8443),
        a_listener("http", 80),
        **frontend(trusting("clients"), _8443=validation),
    )
    found = compiled(gateway, a_pair(), authorities("clients"), authorities("clients", "other"))
    whole = status(found, "Gateway", "edge")
    programmed = SERVED if accepted[0] == "True" else ("False", "Invalid")
    told = of_listener(whole, "b")
    assert (told["ResolvedRefs"], told["Accepted"], told["Programmed"]) == (resolved, accepted, programmed)
    for untouched in ("a", "http"):
        assert of_listener(whole, untouched)["Programmed"] == SERVED
    assert len(found.findings) == (0 if resolved[0] == "True" else 1)
    names = ["Gateway/shop/edge/clients", *(["Gateway/shop/edge/clients:8443"] if programmed == SERVED else [])]
    assert [each for each in names_made(found, "Secret") if each.startswith("Gateway")] == names


def test_an_insecure_fallback_takes_everybody_and_says_so_on_the_gateway() -> None:
    insecure = trusting("clients") | {"mode": "AllowInsecureFallback"}
    gateway = a_gateway(
        "edge", terminating("a", 443), terminating("b", 8443), **frontend(trusting("clients"), _8443=insecure)
    )
    found = compiled(gateway, a_pair(), authorities("clients"))
    told = conditions(status(found, "Gateway", "edge"))
    assert told["InsecureFrontendValidationMode"] == ("True", "ConfigurationChanged")
    sockets = {
        port: made(found, "Listener", f"tcp/0.0.0.0:{port}")["filter_chains"][0]["transport_socket"]["typed_config"]
        for port in (443, 8443)
    }
    assert [sockets[port]["require_client_certificate"] for port in (443, 8443)] == [True, False]
    trust = [
        sockets[port]["common_tls_context"]["combined_validation_context"]["default_validation_context"]
        for port in (443, 8443)
    ]
    assert trust == [{}, {"trust_chain_verification": "ACCEPT_UNTRUSTED"}]


def test_a_client_certificate_that_cannot_be_shown_leaves_the_gateway_accepted() -> None:
    gateway = a_gateway("edge", a_listener("http", 80), tls={"backend": {"clientCertificateRef": {"name": "missing"}}})
    told = conditions(status(compiled(gateway), "Gateway", "edge"))
    assert told["ResolvedRefs"] == ("False", "InvalidClientCertificateRef")
    assert (told["Accepted"], told["Programmed"]) == (("True", "Accepted"), SERVED)


def test_conditions_carry_the_generation_that_was_read() -> None:
    objects = (
        a_gateway("edge", a_listener("http", 80), **SETS_OF_ALL),
        a_listener_set("a", a_listener("b", 81)),
        a_route("web"),
    )
    found = compiled(*(each | {"metadata": each["metadata"] | {"generation": 3}} for each in objects))
    every = [
        each
        for one in found.statuses
        for part in (one.status, *one.status.get("listeners", ()), *one.status.get("parents", ()))
        for each in part.get("conditions", ())
    ]
    assert len(every) > 10
    assert {each["observedGeneration"] for each in every} == {3}
