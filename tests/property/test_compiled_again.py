"""Whatever is edited, what comes of it on top of what was kept is what it comes to alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshots.authoring.gateway import slices
from tests.compiled_again import (
    EditedWorkspace,
    a_cluster_of_envoys,
    a_grant,
    a_namespace,
    a_policy,
    a_service,
    a_slice,
    outcome,
)
from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, to_backend
from tests.listeners import a_pair

NAMES = st.sampled_from(("carts", "web", "edge"))
NAMESPACES = st.sampled_from(("shop", "shop", "other"))
HOSTS = st.lists(st.sampled_from(("a.example", "b.example", "*.example")), unique=True, max_size=2)
TIMES = st.sampled_from(("", "", "2026-01-01T00:00:00Z"))
KINDS = st.sampled_from(("HTTPRoute", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"))
PROTOCOLS = st.sampled_from(("HTTP", "HTTP", "HTTPS", "TCP", "UDP", "TLS"))
PATHS = st.sampled_from(("1.yaml", "2.yaml", "3.yaml", "4.yaml"))


@st.composite
def listeners(draw: st.DrawFn) -> Object:
    protocol = draw(PROTOCOLS)
    found: Object = {"name": draw(NAMES), "port": draw(st.sampled_from((80, 81))), "protocol": protocol}
    hostname = draw(st.sampled_from((None, None, "a.example", "*.example")))
    if hostname and protocol in ("HTTP", "HTTPS", "TLS"):
        found["hostname"] = hostname
    if protocol in ("HTTPS", "TLS"):
        passes = protocol == "TLS" and draw(st.booleans())
        found["tls"] = {"mode": "Passthrough"} if passes else {"certificateRefs": [{"name": draw(NAMES)}]}
    if draw(st.booleans()):
        everybody = {
            "from": draw(st.sampled_from(("All", "Same", "Selector"))),
            "selector": {"matchLabels": {"a": "b"}},
        }
        found["allowedRoutes"] = {"namespaces": everybody}
    return found


@st.composite
def refs(draw: st.DrawFn) -> Object:
    weight: Object = {"weight": draw(st.sampled_from((0, 1, 1, 2)))}
    namespace = draw(st.sampled_from(({}, {}, {"namespace": "other"})))
    if draw(st.booleans()):
        return to_backend(draw(NAMES), **weight, **namespace)
    return {"name": draw(NAMES), "port": draw(st.sampled_from((80, 81))), **weight, **namespace}


@st.composite
def routes(draw: st.DrawFn) -> Object:
    kind = draw(KINDS)
    rule: dict[str, Any] = {"backendRefs": draw(st.lists(refs(), min_size=1, max_size=2))}
    if kind == "HTTPRoute" and draw(st.booleans()):
        rule["matches"] = [{"path": {"value": draw(st.sampled_from(("/", "/a", "/a/b")))}}]
    spec: dict[str, Any] = {"parentRefs": [{"name": "edge", "namespace": "shop"}], "rules": [rule]}
    if kind in ("HTTPRoute", "GRPCRoute"):
        spec["hostnames"] = draw(HOSTS)
    elif kind == "TLSRoute":
        spec["hostnames"] = draw(HOSTS) or ["a.example"]
    if draw(st.booleans()):
        spec["useDefaultGateways"] = "All"
    return an_object(kind, draw(NAMES), draw(NAMESPACES), spec=spec)


def gateways() -> st.SearchStrategy[Object]:
    some = st.lists(listeners(), min_size=1, max_size=3, unique_by=lambda each: str(each["name"]))
    scope = st.sampled_from(({}, {}, {"defaultScope": "All"}, {"allowedListeners": {"namespaces": {"from": "All"}}}))
    return st.builds(lambda found, more: a_gateway("edge", *found, **more), some, scope)


def sets() -> st.SearchStrategy[Object]:
    spec = st.builds(
        lambda each: {"parentRef": {"name": "edge", "namespace": "shop"}, "listeners": [each]}, listeners()
    )
    return st.builds(
        lambda *found: an_object("ListenerSet", found[0], found[1], spec=found[2]), NAMES, NAMESPACES, spec
    )


BACKENDS = st.sampled_from(({}, {}, {"endpoints": "dynamic"}, {"hostname": "x.internal", "port": 80}))
TO = st.sampled_from(({"group": "fairlead.dev", "kind": "Backend"}, {"group": "", "kind": "Service"}))
TRUST = st.sampled_from(({}, {"caCertificateRefs": [{"group": "", "kind": "Secret", "name": "carts"}]}))
PATCHES = st.sampled_from(
    (
        {"target": {"kind": "Gateway", "name": "edge"}, "part": "Listener", "merge": {"tcpBacklogSize": 7}},
        {"target": {"kind": "Backend", "name": "carts"}, "part": "Cluster", "merge": {"connectTimeout": "1s"}},
        {
            "target": {"kind": "Gateway", "name": "edge"},
            "part": "VirtualHost",
            "merge": {"includeRequestAttemptCount": True},
        },
        {"target": {"kind": "HTTPRoute", "name": "web"}, "part": "Route", "merge": {"decorator": {"operation": "x"}}},
        {
            "target": {"kind": "HTTPRoute", "name": "web"},
            "part": "Route",
            "json": [{"op": "replace", "path": "/route/timeout", "value": "3s"}],
            "priority": 1,
        },
    )
)
OBJECTS = st.one_of(
    gateways(),
    gateways(),
    routes(),
    routes(),
    routes(),
    sets(),
    st.builds(lambda name, spec: a_backend(name, **spec), NAMES, BACKENDS),
    st.builds(a_service, NAMES),
    st.builds(a_slice, NAMES, NAMES, st.sampled_from(("10.1.0.1", "10.1.0.2"))),
    st.builds(lambda name, kind, to: a_grant(name, "other", to, kind=kind), NAMES, KINDS, TO),
    st.builds(lambda name, label: a_namespace(name, a=label), NAMESPACES, st.sampled_from(("b", "c"))),
    st.builds(lambda name, target, trust: a_policy(name, to_backend(target), **trust), NAMES, NAMES, TRUST),
    st.builds(a_pair, NAMES),
    st.builds(lambda name, spec: an_object("EnvoyPatch", name, spec=spec), NAMES, PATCHES),
    st.builds(a_cluster_of_envoys, NAMES, st.sampled_from(("raw", "Backend/shop/carts"))),
)
DATED = st.builds(
    lambda each, created: (
        each
        | {
            "metadata": each["metadata"]
            | ({"creationTimestamp": created} if created and each["kind"] != "EnvoyResource" else {})
        }
    ),
    OBJECTS,
    TIMES,
)
TEXTS = st.one_of(
    DATED.map(json.dumps),
    DATED.map(json.dumps),
    DATED.map(json.dumps),
    st.sampled_from(("# a word\n", "kind: [", "a: b")),
)
SOUND = ("1.yaml", (a_gateway(), a_backend(), a_route("web", to_backend())))


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[str, str, int, str]]:
    """Each: a path, what is done there, at which document, and with what."""
    do = st.sampled_from(("insert", "insert", "replace", "replace", "remove", "move", "empty"))
    return draw(st.lists(st.tuples(PATHS, do, st.integers(0, 5), TEXTS), min_size=1, max_size=10))


def do(site: EditedWorkspace, path: str, what: str, at: int, text: str) -> None:
    texts = site.files.setdefault(path, [])
    if what == "insert":
        texts.insert(at, text)
    elif what == "replace" and texts:
        texts[at % len(texts)] = text
    elif what in ("remove", "move") and texts:
        taken = texts.pop(at % len(texts))
        if what == "move":
            site.files.setdefault(f"{at % 4 + 1}.yaml", []).append(taken)
    elif what == "empty":
        del site.files[path]


@pytest.mark.parametrize("limit_bytes", [slices.WHOLE_LIMIT_BYTES, 300], ids=["whole", "slices"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits())
def test_any_edits(limit_bytes: int, drawn: list[tuple[str, str, int, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "WHOLE_LIMIT_BYTES", limit_bytes)
        site = EditedWorkspace()
        site.put(SOUND[0], *SOUND[1])
        for each in drawn:
            do(site, *each)
            assert outcome(site.again()) == outcome(site.alone())
