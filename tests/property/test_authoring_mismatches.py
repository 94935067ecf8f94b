"""Two readers of one model agree: what msgspec refuses, `mismatches` explains; what it takes, it says nothing of."""

from __future__ import annotations

import json
import re
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

TEXTS = ["a", "web", "Web", "*.a.b", "10s", "1h30m", "a/b", "a b", "/", "x" * 300, "example.com/a", "a:b", "System", ""]
NUMBERS = [0, 1, 80, 400, 10**6, -1, 127, 128, 399, 599, 600, 65535, 65536, 10**6 + 1, 2**70]
ODD = [None, True, 80.0, 0.5, [], ["text"], {}, {"name": "a"}, [None], *TEXTS, *NUMBERS]
RARELY = 40
ODDLY = 7  # one of RARELY, and neither of the ends, which hypothesis likes


def values(expected: Any, depth: int) -> st.SearchStrategy[Any]:
    """What fits, and now and then anything: one mistake in a document shows what several would hide."""
    odd = st.sampled_from(ODD)
    return st.integers(1, RARELY).flatmap(lambda dice: odd if dice == ODDLY else _fitting(expected, depth))


def _fitting(expected: Any, depth: int) -> st.SearchStrategy[Any]:
    match expected:
        case inspect.StructType():
            return structs(expected, depth)
        case inspect.UnionType():
            return st.one_of([values(each, depth) for each in expected.types])
        case inspect.VarTupleType():
            low = expected.min_length or 0
            return st.lists(values(expected.item_type, depth - 1), min_size=low, max_size=low + (2 if depth > 0 else 0))
        case inspect.DictType():
            return st.dictionaries(st.sampled_from(["a", "b"]), values(expected.value_type, depth - 1), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(expected.values)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.AnyType():
            return st.sampled_from([*NUMBERS, *TEXTS])
    pool: list[Any] = NUMBERS if isinstance(expected, inspect.IntType) else TEXTS
    return st.sampled_from([each for each in pool if _takes(expected, each)])


def _takes(expected: Any, value: Any) -> bool:
    """Whether a number or text keeps the bounds of its field."""
    if isinstance(value, int):
        low, high = expected.ge, expected.le
        return (low is None or value >= low) and (high is None or value <= high)
    low, high = expected.min_length, expected.max_length
    sized = (low is None or len(value) >= low) and (high is None or len(value) <= high)
    return sized and (expected.pattern is None or re.search(expected.pattern, value) is not None)


def structs(expected: inspect.StructType, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """All required fields but rarely, some of the others, and rarely a field that is none."""
    likely = st.integers(1, RARELY)

    @st.composite
    def draw_fields(draw: st.DrawFn) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in expected.fields:
            drawn = draw(likely)
            if drawn != ODDLY if each.required else depth > 0 and drawn > RARELY * 3 // 4:
                found[each.encode_name] = draw(values(each.type, depth - 1))
        if draw(likely) == ODDLY:
            found["surplus"] = 1
        return found

    return draw_fields()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
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
