"""Bodies as YAML with a note behind each value."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from api.cli.annotated import annotated_lines

KEYS = st.sampled_from(["name", "@type", "a b", "on", "3", "x:y", "", "# no"])
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.just([]) | st.just({})
BODIES = st.dictionaries(
    KEYS, st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)), min_size=1
)


@given(BODIES)
def test_lines_say_what_the_body_says(body: dict[str, Any]) -> None:
    assert yaml.safe_load("\n".join(annotated_lines(body, {}))) == body


def test_notes_stand_behind_their_values() -> None:
    body = {"name": "a", "hosts": [{"domains": ["x", "y"], "routes": []}], "empty": {}}
    notes = {("name",): "one.yaml:1", ("hosts", 0, "domains", 1): "two.yaml:2", ("hosts", 0, "routes"): "default"}

    lines = [tuple(part.strip() for part in line.split("  # ")) for line in annotated_lines(body, notes)]

    assert lines == [
        ('name: "a"', "one.yaml:1"),
        ("hosts:",),
        ("- domains:",),
        ('- "x"',),
        ('- "y"', "two.yaml:2"),
        ("routes: []", "default"),
        ("empty: {}",),
    ]


def test_what_would_reach_the_terminal_is_escaped() -> None:
    assert "\x1b" not in "".join(annotated_lines({"name": "\x1b[2J"}, {("name",): "\x1b.yaml:1"}))
