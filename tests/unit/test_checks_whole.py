"""The checks of a whole set of resources, as tables; no documents and no Envoy API needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from snapshots.checks import CHECKS, check
from snapshots.checks.concern import by_place
from snapshots.checks.domains import duplicate_domains
from snapshots.checks.size import RESOURCE_LIMIT_BYTES, ROUTES_LIMIT_BYTES
from snapshots.model import CompiledResource, Origin, WorkspaceName
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, VIRTUAL_HOST, TypeUrl

EXTENSIONS = "type.googleapis.com/envoy.extensions"


def a_resource(
    type_url: TypeUrl,
    name: str,
    *,
    document: str = "",
    line: int = 1,
    body: bytes = b"",
    needs: Sequence[Reference] = (),
) -> CompiledResource:
    resource = Resource.of(type_url, name, body, tuple(needs))
    document = document or f"{type_url}-{name}".lower()
    return CompiledResource(resource, Origin(WorkspaceName("shop"), "a.yaml", line, 1, "EnvoyResource", document))


def said(*resources: CompiledResource) -> list[str]:
    return [f"{finding.line} {finding.severity} {finding.code}" for finding in check(resources)]


def test_nothing_wrong_is_nothing_said() -> None:
    assert check(()) == ()
    needs = [Reference(ENDPOINT, "web")]
    assert said(a_resource(CLUSTER, "web", needs=needs), a_resource(ENDPOINT, "web", line=9)) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((CLUSTER, "web", "a"), (CLUSTER, "web", "b"), ["7 error E0502"]),
        ((CLUSTER, "web", "a"), (CLUSTER, "web", "a"), ["7 error E0501"]),
        ((CLUSTER, "web", "a"), (ENDPOINT, "web", "a"), ["7 error E0501"]),
        ((CLUSTER, "web", "a"), (ENDPOINT, "web", "b"), []),
        ((CLUSTER, "web", "a"), (CLUSTER, "Web", "b"), []),
    ],
)
def test_two_of_one_name(one: tuple[TypeUrl, str, str], other: tuple[TypeUrl, str, str], expected: list[str]) -> None:
    first, second = (a_resource(url, name, document=document) for url, name, document in (one, other))
    second = CompiledResource(second.resource, Origin(WorkspaceName("shop"), "a.yaml", 7, 1, "EnvoyResource", other[2]))
    assert said(first, second) == expected


def test_every_further_duplicate_names_the_first() -> None:
    findings = check([a_resource(CLUSTER, "web", document=f"d{line}", line=line) for line in (1, 2, 3)])
    assert [finding.line for finding in findings] == [2, 3]
    assert all("a.yaml:1" in finding.message for finding in findings)


@pytest.mark.parametrize(
    ("type_url", "needs"),
    [(LISTENER, Reference(ROUTE, "web")), (ROUTE, Reference(CLUSTER, "web")), (CLUSTER, Reference(ENDPOINT, "web"))],
)
def test_reference_that_nobody_defines_is_a_warning(type_url: TypeUrl, needs: Reference) -> None:
    assert said(a_resource(type_url, "x", line=3, needs=[needs, needs])) == ["3 warning W0504"]
    assert said(a_resource(type_url, "x", needs=[needs]), a_resource(needs.type_url, "web")) == []


def test_close_name_is_suggested() -> None:
    route = a_resource(ROUTE, "web", needs=[Reference(CLUSTER, "cart")])
    (finding,) = check([route, a_resource(CLUSTER, "carts")])
    assert finding.suggestion == 'did you mean "carts"?'
    (finding,) = check([route, a_resource(CLUSTER, "payments")])
    assert "bootstrap" in finding.suggestion


def test_size_limit_is_of_the_body() -> None:
    assert said(a_resource(CLUSTER, "web", body=b"x" * RESOURCE_LIMIT_BYTES)) == []
    assert said(a_resource(CLUSTER, "web", body=b"x" * (RESOURCE_LIMIT_BYTES + 1))) == ["1 error E0602"]
    assert said(a_resource(ROUTE, "web", body=b"x" * ROUTES_LIMIT_BYTES)) == []
    assert said(a_resource(ROUTE, "web", body=b"x" * (ROUTES_LIMIT_BYTES + 1))) == ["1 error E0602"]


def test_every_check_is_in_the_tuple_and_takes_nothing() -> None:
    assert [list(each(by_place).concerns()) for each in CHECKS] == [[]] * 3


def a_route(*hosts: Sequence[str]) -> list[tuple[str | int, ...]]:
    message = load_default().new("envoy.config.route.v3.RouteConfiguration")
    for domains in hosts:
        message.virtual_hosts.add(name="x", domains=domains)  # type: ignore[attr-defined]  # a dynamic class
    return [problem.path for problem in duplicate_domains(load_default(), message)]


@pytest.mark.parametrize(
    ("hosts", "second"),
    [
        ([["a"], ["b"]], []),
        ([["a", "b"], ["b"]], [(1, 0)]),
        ([["a", "a"]], [(0, 1)]),
        ([["*"], ["b", "*"]], [(1, 1)]),
        ([["A.example"], ["a.EXAMPLE"]], [(1, 0)]),
        ([["a"], ["a"], ["a"]], [(1, 0), (2, 0)]),
        ([["a"], ["a:80"], ["*.a"], ["a.*"]], []),
    ],
)
def test_domain_may_stand_once(hosts: list[list[str]], second: list[tuple[int, int]]) -> None:
    assert a_route(*hosts) == [("virtual_hosts", host, "domains", index) for host, index in second]


def test_domains_are_looked_at_wherever_routes_are_written_and_nowhere_else() -> None:
    api = load_default()
    host = api.parse(VIRTUAL_HOST, b"\x12\x01a\x12\x01A")
    assert [problem.path for problem in duplicate_domains(api, host)] == [("domains", 1)]
    assert duplicate_domains(api, api.parse(CLUSTER, b"")) == ()
    inside = {
        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "route_config": {"virtual_hosts": [{"name": "x", "domains": ["a", "b"]}, {"name": "y", "domains": ["B"]}]},
    }
    listener = from_json(api, {"@type": LISTENER, "filter_chains": [{"filters": [{"typed_config": inside}]}]}).message
    assert listener is not None
    (problem,) = duplicate_domains(api, listener)
    above = ("filter_chains", 0, "filters", 0, "typed_config", "route_config")
    assert problem.path == (*above, "virtual_hosts", 1, "domains", 0)
    assert "virtual_hosts[0].domains[1]" in problem.message
