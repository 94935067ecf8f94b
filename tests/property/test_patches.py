"""Patches on any JSON: merging as RFC 7386 says, and every value can be led back to the operation that wrote it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.kinds.patch import PatchOperation
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.patches.merging import leaves, merged
from snapshots.authoring.patches.operations import Patching
from snapshots.authoring.patches.shapes import Shape
from snapshots.authoring.patches.writes import is_below, writer_of
from snapshots.authoring.yaml_nodes import Path, Place
from tests.gateways import compiled
from tests.patches import BACKEND, GATEWAY, ROUTE, a_patch, a_site

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b"])
KEYS = st.sampled_from(["a", "b", "c", "d"])
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))

# RFC 7386, appendix A: original, patch, result.
OF_THE_RFC = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("original", "patch", "result"), OF_THE_RFC)
def test_examples_of_the_rfc(original: str, patch: str, result: str) -> None:
    assert merged(json.loads(original), json.loads(patch)) == json.loads(result)


@given(JSON, JSON)
def test_merging_says_all_that_the_patch_says_and_changes_nothing_else(target: Any, patch: Any) -> None:
    before = deepcopy((target, patch))

    result = merged(target, patch)

    assert (target, patch) == before
    assert merged(result, patch) == result
    for path in leaves(patch):
        wanted = _at(patch, path)
        if wanted is None and path:
            assert path[-1] not in _at(result, path[:-1])
        elif wanted != {}:
            assert _at(result, path) == wanted
    if isinstance(target, dict) and isinstance(patch, dict):
        assert all(result[key] == value for key, value in target.items() if key not in patch)


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "replace", "remove"]), st.integers(0, 3), st.booleans()), max_size=12
)


@given(STEPS)
def test_every_value_that_an_operation_wrote_is_led_back_to_it(steps: list[tuple[str, int, bool]]) -> None:
    operations, length = [], 4
    for number, (name, place, inside) in enumerate(steps):
        index = min(place, length - 1)
        if name == "add" and not inside:
            length += 1
        elif name == "remove" and length > 1:
            length -= 1
        elif name == "remove":
            continue
        path = f"/items/{index}/v" if inside and name != "remove" else f"/items/{index}"
        value = {} if name == "remove" else {"value": {"v": number} if path.count("/") == 2 else number}
        operations.append(PatchOperation(op=name, path=path, **value))  # type: ignore[arg-type]
    patching = Patching(_A_PATCH, {"items": [{"v": -1 - each} for each in range(4)]}, Shape(load_default()))

    patching.run(operations, ("json",))

    for index, item in enumerate(patching.root["items"]):
        path: Path = ("items", index, "v")
        writer = writer_of(patching.writes, path)
        if item["v"] < 0:
            assert writer is None
        else:
            assert writer is not None
            assert is_below(path, writer.path)
            place = writer.at_of(path)
            assert _at([_value(each) for each in operations], (place[1], *place[3:])) == item["v"]


_A_PATCH = AuthoredObject(ObjectKey("EnvoyPatch", "shop", "patch"), "", None, "", Place(1, 1))


def _value(operation: PatchOperation) -> Any:
    return operation.value


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


# Keys that are fields somewhere, keys that are none, and types that hold, or hold something else.
ODD_KEYS = st.sampled_from(
    [
        *("name", "@type", "typedConfig", "http_filters", "httpFilters", "route", "cluster", "weightedClusters"),
        *("domains", "metadata", "filter_metadata", "connectTimeout", "circuit_breakers", "thresholds"),
        *("", "-", "0", "a/b~", "value"),
    ]
)
ODD = st.recursive(
    SCALARS | st.sampled_from(["1s", "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router", "x" * 300]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ODD_KEYS, inner, max_size=3),
    max_leaves=6,
)
POINTERS = st.lists(ODD_KEYS.map(lambda key: key.replace("~", "~0").replace("/", "~1")), min_size=1, max_size=4).map(
    lambda steps: "/" + "/".join(steps)
)
ODD_OPERATIONS = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "test"]), "path": POINTERS, "value": ODD}),
    st.fixed_dictionaries({"op": st.just("remove"), "path": POINTERS}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "path": POINTERS, "from": POINTERS}),
)
ODD_CHANGES = st.dictionaries(ODD_KEYS, ODD, max_size=3).map(lambda merge: {"merge": merge}) | st.lists(
    ODD_OPERATIONS, min_size=1, max_size=3
).map(lambda json: {"json": json})
ODD_PARTS = st.sampled_from(
    [
        *((GATEWAY, part) for part in ("Listener", "FilterChain", "HttpConnectionManager")),
        *((GATEWAY, part) for part in ("RouteConfiguration", "VirtualHost")),
        *((BACKEND, "Cluster"), (BACKEND, "Endpoints"), (ROUTE, "Route")),
    ]
)


@given(ODD_PARTS, ODD_CHANGES)
def test_whatever_a_patch_says_it_holds_or_changes_nothing(part: tuple[Any, str], change: dict[str, Any]) -> None:
    without = compiled(*a_site())

    found = compiled(*a_site(a_patch(*part, **change)))

    if not found.ok:
        assert [each.resource for each in found.resources] == [each.resource for each in without.resources]
        assert all(each.path == "3.yaml" and each.line == 1 and each.excerpt for each in found.findings)
    assert [each.resource.name for each in found.resources] == [each.resource.name for each in without.resources]
