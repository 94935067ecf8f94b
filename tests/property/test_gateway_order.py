"""The same documents come to the same bytes, whatever their order and however they are spread over files."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.model import Document
from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, to_backend

NAMES = ("one", "two", "three")
HOSTS = ("shop.example", "*.example", "api.example")
TIMES = ("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
name = st.sampled_from(NAMES)


def distinct(objects: list[Object]) -> list[Object]:
    """The first of each kind and name."""
    return list({(each["kind"], each["metadata"]["name"]): each for each in reversed(objects)}.values())


def dated(each: Object, created: str) -> Object:
    return each | {"metadata": each["metadata"] | ({"creationTimestamp": created} if created else {})}


@st.composite
def gateways(draw: st.DrawFn) -> Object:
    port, hostname = draw(st.sampled_from([80, 81])), draw(st.sampled_from([None, *HOSTS]))
    listener = {"name": "http", "port": port, "protocol": draw(st.sampled_from(["HTTP", "HTTP", "TCP"]))}
    if hostname and listener["protocol"] == "HTTP":
        listener["hostname"] = hostname
    return dated(a_gateway(draw(name), listener), draw(st.sampled_from(TIMES)))


@st.composite
def routes(draw: st.DrawFn) -> Object:
    kind = draw(st.sampled_from(["HTTPRoute", "HTTPRoute", "GRPCRoute", "TCPRoute"]))
    refs = [to_backend(each, weight=draw(st.integers(0, 3))) for each in draw(st.lists(name, min_size=1, max_size=3))]
    rule: dict[str, Any] = {"backendRefs": refs}
    spec: dict[str, Any] = {"parentRefs": [{"name": each} for each in draw(st.sets(name, min_size=1))]}
    if kind == "HTTPRoute":
        rule["matches"] = [{"path": {"value": draw(st.sampled_from(["/", "/a", "/a/b"]))}}]
    if kind != "TCPRoute":
        spec["hostnames"] = draw(st.lists(st.sampled_from(HOSTS), unique=True, max_size=2))
    route = a_route(draw(name), kind=kind, **spec, rules=[rule])
    return dated(route, draw(st.sampled_from(TIMES)))


@st.composite
def policies(draw: st.DrawFn) -> Object:
    validation = {"hostname": "carts.internal", "wellKnownCACertificates": draw(st.sampled_from(["System", "a.b/c"]))}
    spec = {"targetRefs": [to_backend(draw(name))], "validation": validation}
    return dated(an_object("BackendTLSPolicy", draw(name), spec=spec), draw(st.sampled_from(TIMES)))


@st.composite
def backends(draw: st.DrawFn) -> Object:
    spec = draw(st.sampled_from([{"endpoints": "dynamic"}, {"hostname": "a.internal", "port": 80}, {}]))
    return a_backend(draw(name), **spec)


PLACE = re.compile(r" \(\d+\.yaml:\d+\)")
ANY = st.one_of(gateways(), gateways(), routes(), routes(), policies(), backends())
SURE = [a_gateway("one"), a_backend("one"), a_backend("two")]
OBJECTS = st.lists(ANY, min_size=4, max_size=14).map(lambda found: distinct([*SURE, *found]))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(OBJECTS.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found), st.integers(1, 4))))
def test_the_order_of_documents_changes_nothing(drawn: tuple[list[Object], list[Object], int]) -> None:
    objects, shuffled, files = drawn
    assert outcome(objects, 1) == outcome(shuffled, files)


def outcome(objects: list[Object], files: int) -> object:
    """All that is made, told and found, in an order of its own: places are those of the files, and left out."""
    documents = [
        Document(f"{number}.yaml", "\n---\n".join(map(json.dumps, objects[number::files])).encode())
        for number in range(files)
    ]
    found = compile_documents(load_default(), documents)
    made = [(each.resource.type_url, each.resource.name, each.resource.body) for each in found.resources]
    told = {str(each.subject.key): json.dumps(each.status) for each in found.statuses}
    findings = sorted((each.code, each.resource, each.field, PLACE.sub("", each.message)) for each in found.findings)
    return made, told, findings
