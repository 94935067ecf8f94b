"""Two readers of one model agree: what msgspec refuses, `mismatches` explains; what it takes, it says nothing of."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from snapshots.authoring.envelope import Report
from snapshots.authoring.kinds.table import KINDS, Kind
from snapshots.authoring.mismatches import described, mismatches
from snapshots.authoring.yaml_nodes import Mapping, to_data
from snapshots.authoring.yaml_tree import read_yaml

TEXTS = [
    "",
    "a",
    "web",
    "Web",
    "*.a.b",
    "*",
    "10s",
    "1.5s",
    "1h30m",
    "a/b",
    "/",
    "a b",
    "x" * 300,
    "example.com/a",
    "a:b",
]
NUMBERS = [-1, 0, 1, 79, 127, 128, 399, 400, 599, 600, 65535, 65536, 10**6, 10**6 + 1, 2**70]
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 80, 80.0, 0.5, "text", [], ["text"], {}, {"name": "a"}, [None]]
)


def values(expected: Any, depth: int) -> st.SearchStrategy[Any]:
    """What could stand there: mostly of the right sort, and now and then anything."""
    return st.integers(0, 9).flatmap(lambda dice: JUNK if dice == 0 else _fitting(expected, depth))


def _fitting(expected: Any, depth: int) -> st.SearchStrategy[Any]:
    match expected:
        case inspect.StructType():
            return structs(expected, depth)
        case inspect.UnionType():
            return st.one_of([values(each, depth) for each in expected.types])
        case inspect.VarTupleType():
            return st.lists(values(expected.item_type, depth - 1), max_size=3 if depth > 0 else 0)
        case inspect.DictType():
            return st.dictionaries(st.sampled_from(["a", "b"]), values(expected.value_type, depth - 1), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from([*expected.values, "None", "none"])
        case inspect.IntType():
            return st.sampled_from(NUMBERS)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    return st.sampled_from(TEXTS)


def structs(expected: inspect.StructType, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Required fields mostly, others sometimes, and once in a while a field that is none."""
    fields = {each.encode_name: each for each in expected.fields}
    likely = st.integers(0, 9)

    @st.composite
    def draw_fields(draw: st.DrawFn) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, each in fields.items():
            if draw(likely) >= (1 if each.required else 6 if depth > 0 else 10):
                found[name] = draw(values(each.type, depth - 1))
        if draw(likely) == 0:
            found["surplus"] = 1
        return found

    return draw_fields()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mismatches_finds_something_wherever_msgspec_does_and_nowhere_else(kind: Kind, data: st.DataObject) -> None:
    body = data.draw(structs(described(kind.model), 7))
    (root,) = read_yaml(json.dumps(body)).documents
    assert isinstance(root, Mapping)
    report = Report()

    mismatches(kind.model, root, (), report)

    assert bool(report.mistakes) == _refused(kind, to_data(root)), [each.message for each in report.mistakes]
    for mistake in report.mistakes:
        assert mistake.place.line == 1
        assert mistake.message


def _refused(kind: Kind, body: Any) -> bool:
    try:
        msgspec.convert(body, kind.model)
    except msgspec.ValidationError:
        return True
    return False
