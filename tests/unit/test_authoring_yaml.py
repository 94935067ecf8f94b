"""The strict YAML reader: what scalars mean, where things are, what is refused, and what it costs."""

from __future__ import annotations

import math
import time

import pytest

from snapshots.authoring.limits import DEPTH_LIMIT, DOCUMENT_LIMIT_CHARACTERS, MISTAKES_PER_FILE_LIMIT, NODES_LIMIT
from snapshots.authoring.yaml_nodes import Place, place_of, to_data
from snapshots.authoring.yaml_scalars import plain_value
from snapshots.authoring.yaml_tree import read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"),
        ("12:30", "12:30"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("010", "010"), ("-010", "-010"),
        ("0777", "0777"),
        ("2026-01-02", "2026-01-02"), ("1s", "1s"), ("0b11", "0b11"), ("1e", "1e"), ("+", "+"), (".", "."), ("-", "-"),
        ("tRUE", "tRUE"), ("=", "="), ("٣", "٣"), ("1.2.3", "1.2.3"), ("9" * 500, "9" * 500),
        ("true", True), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("Null", None),
        ("0", 0), ("12", 12), ("-12", -12), ("+12", 12), ("0o17", 15), ("0x1F", 31),
        ("18446744073709551615", 2**64 - 1),
        ("1.5", 1.5), ("-.5", -0.5), ("1e3", 1000.0), ("1.", 1.0), (".inf", math.inf), ("-.Inf", -math.inf),
    ],
)  # fmt: skip
def test_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_quoted_and_block_scalars_are_always_text() -> None:
    tree = read_yaml("a: '1'\nb: \"true\"\nc: |\n  5\nd: >-\n  null\n").documents[0]
    assert to_data(tree) == {"a": "1", "b": "true", "c": "5\n", "d": "null"}


def test_every_key_and_value_knows_its_place() -> None:
    tree = read_yaml("# a comment\na:\n  - b: {c: 1}\n  - é: '😀'  # two columns\nfooBar: 2\n").documents[0]
    assert place_of(tree, ("a", 0, "b", "c")) == Place(3, 12)
    assert place_of(tree, ("a", 0, "b", "c"), key=True) == Place(3, 9)
    assert place_of(tree, ("a", 1, "é")) == Place(4, 8)
    assert place_of(tree, ("a",)) == Place(2, 1), "a block is placed at its key"
    assert place_of(tree, ("foo_bar",)) == Place(5, 9), "snake_case finds camelCase"
    assert place_of(tree, ("a", 0, "gone", "away")) == Place(3, 5), "the nearest parent of what is absent"


def test_documents_of_a_file_are_read_apart_and_empty_ones_are_skipped() -> None:
    file = read_yaml("---\n# nothing\n---\na: 1\n...\n---\n~\n---\nb: 2\n")
    assert [to_data(root) for root in file.documents] == [{"a": 1}, {"b": 2}]
    assert [root.place.line for root in file.documents] == [4, 9]
    assert file.mistakes == []


def test_broken_document_does_not_hide_those_around_it() -> None:
    file = read_yaml("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 'x\n---\ne: &x 1\n---\nf: 6\n")
    assert [to_data(root) for root in file.documents] == [{"a": 1}, {"c": 3}, {"f": 6}]
    assert [mistake.place.line for mistake in file.mistakes] == [4, 7, 9]


def test_lines_are_counted_on_after_a_broken_document_whatever_ends_them() -> None:
    for end in ("\n", "\r\n"):
        file = read_yaml(end.join(["a: [", "---", "b: 1", "b: 2", ""]))
        assert [mistake.place for mistake in file.mistakes][-1] == Place(4, 1)


def test_depth_is_limited_and_the_limit_itself_is_fine() -> None:
    assert read_yaml("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT).mistakes == []
    assert [mistake.code for mistake in read_yaml("- " * 500_000).mistakes] == ["E0109"]


def test_values_are_limited_per_document() -> None:
    some = "[" + "1," * (NODES_LIMIT - 1) + "]\n"
    assert read_yaml(some + "---\n" + some).mistakes == []
    assert [mistake.code for mistake in read_yaml("[" + "1," * NODES_LIMIT + "]").mistakes] == ["E0110"]


def test_document_size_is_limited_and_other_documents_are_read() -> None:
    file = read_yaml("a: " + "x" * DOCUMENT_LIMIT_CHARACTERS + "\n---\nb: 1\n")
    assert [mistake.code for mistake in file.mistakes] == ["E0111"]
    assert [to_data(root) for root in file.documents] == [{"b": 1}]


def test_reading_gives_up_after_many_mistakes() -> None:
    file = read_yaml("a: [\n---\n" * 500)
    assert len(file.mistakes) == MISTAKES_PER_FILE_LIMIT + 1
    assert file.mistakes[-1].code == "E0113"
    assert read_yaml("---\n" * 20_000).mistakes[-1].code == "E0113"


@pytest.mark.parametrize(
    "text",
    ["[" * 4_000_000, "{a" * 1_000_000, "? - " * 1_000_000, "a: &a [x,x]\n" * 300_000, "---\n[\n" * 600_000,
     "---\n" * 1_000_000, "[" + "1," * 2_000_000, "a:\n" * 1_000_000, '"a": ' * 500_000, "%" * 4_000_000,
     "|" + "\n" * 4_000_000,
     "a" * 4_000_000 + ": b", "!" * 4_000_000, "*" * 4_000_000, 'a: "' + "\\" * 4_000_000],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_hostile_text_of_four_megabytes_costs_little(text: str) -> None:
    begun = time.process_time()
    assert read_yaml(text).mistakes
    assert time.process_time() - begun < 2.0
