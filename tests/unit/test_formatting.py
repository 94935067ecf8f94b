"""The layout of documents, rule by rule."""

from __future__ import annotations

import pytest

from snapshots.authoring.formatting.formatted import formatted
from snapshots.authoring.formatting.same import say_the_same
from tests.spine import ROOT

RULES: dict[str, tuple[str, str]] = {
    "two columns a level": ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
    "a list stands below its key": ("a:\n    - 1\n    -   b: 1\n        c: 2\n", "a:\n- 1\n- b: 1\n  c: 2\n"),
    "lists in lists": ("- - a\n  -   b\n-\n   - c\n", "- - a\n  - b\n-\n  - c\n"),
    "spaces": ("a:    {b: 1,c:   [ 2,3 ] , }   \n", "a: {b: 1, c: [2, 3],}\n"),
    "quotes stay": ("a: 'it''s'\nb: \"80\"\nc: '010'\n", "a: 'it''s'\nb: \"80\"\nc: '010'\n"),
    "comments stay where they belong": (
        "# top\n\na:   # of a\n     # of b\n     b: 1\n     # after b\n# of c\nc: 2\n# end\n",
        "# top\n\na:  # of a\n  # of b\n  b: 1\n  # after b\n# of c\nc: 2\n# end\n",
    ),
    "comments of one column stay in one": (
        "a: 1      # one\nbb:   2   # two\nc: 3 # three\n",
        "a: 1   # one\nbb: 2  # two\nc: 3  # three\n",
    ),
    "empty lines": ("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
    "separators": ("---\na: 1\n---   # next\nb: 2\n...\n", "---\na: 1\n---  # next\nb: 2\n...\n"),
    "block scalars": (
        "a:\n    b: |\n        one\n          two\n\n    c: >-   # folded\n        three\n        # no comment\n",
        "a:\n  b: |\n    one\n      two\n\n  c: >-  # folded\n    three\n    # no comment\n",
    ),
    "empty lines that a block scalar keeps": ("a: |+\n    x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
    "texts of several lines": (
        'a:\n    b: "one\n        two"\n    c: three\n        four\n',
        'a:\n  b: "one\n    two"\n  c: three\n    four\n',
    ),
    "brackets over several lines": (
        "a: [\n      {b: 1},   # one\n      {b: 2}\n  ]\n",
        "a: [\n  {b: 1},  # one\n  {b: 2}\n]\n",
    ),
    "a bracket in a list": ("- {\n   a: 1\n  }\n", "- {\n    a: 1\n  }\n"),
    "the first keys": (
        "# about it\nspec: {}\nkind: K  # kind\n# v\napiVersion: v1\nmetadata:\n   labels: {}\n   # name\n   name: x\n",
        "# about it\n# v\napiVersion: v1\nkind: K  # kind\nmetadata:\n  # name\n  name: x\n  labels: {}\nspec: {}\n",
    ),
    "status goes last": (
        "apiVersion: v1\nkind: K\nstatus: {}\ndata: {}\n",
        "apiVersion: v1\nkind: K\ndata: {}\nstatus: {}\n",
    ),
    "keys of what is no document stay": ("b: 1\na: 2\n", "b: 1\na: 2\n"),
    "with anchors no key moves": ("kind: &k K\napiVersion: *k\n", "kind: &k K\napiVersion: *k\n"),
    "line breaks of Windows": ("a:\r\n    b: 1\r\n", "a:\n  b: 1\n"),
    "a byte order mark": ("\ufeffa: 1\n", "a: 1\n"),
    "no line break at the end": ("a: |\n  x", "a: |-\n  x\n"),
    "nothing": ("", ""),
    "nothing but a comment": ("\n  # x\n\n", "# x\n"),
    "a comment at the very end": ("a:   1 # x", "a: 1  # x\n"),
    "keys without a value": ("a: {b:  , c: }\nd:\n", "a: {b: , c: }\nd:\n"),
    "tags": ("a:   !!str   1\n", "a: !!str 1\n"),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_text_is_laid_out(rule: str) -> None:
    before, after = RULES[rule]
    assert formatted(before).text == after
    assert formatted(after).text == after


def test_a_block_scalar_that_begins_with_spaces_says_how_many_are_its_indentation() -> None:
    before = "a:\n      b: |4\n             x\n          y\n"
    found = formatted(before).text
    assert found == "a:\n  b: |2\n       x\n    y\n"
    assert say_the_same(before, found)


@pytest.mark.parametrize(
    ("text", "code"),
    [("a: [1\n", "E0101"), ("a: 1\na: 2\n", "E0106"), ("{{ name }}: 1\n", "E0108"), ("a:\n\t- b\n", "E0101")],
)
def test_what_is_no_yaml_is_left_as_it_is(text: str, code: str) -> None:
    found = formatted(text)
    assert (found.text, [mistake.code for mistake in found.mistakes]) == (text, [code])


@pytest.mark.parametrize("text", ["? a\n:   b\n", "a:\n  ? b\n  : c\n"])
def test_what_people_do_not_write_is_left_as_it_is(text: str) -> None:
    found = formatted(text)
    assert (found.text, found.left_alone, found.mistakes) == (text, True, ())


def test_texts_that_say_something_else_are_told_apart() -> None:
    for one, other in (("a: 1\n", "a: 2\n"), ("a: '1'\n", "a: 1\n"), ("a: 1 # x\n", "a: 1\n"), ("a: &x 1\n", "a: 1\n")):
        assert not say_the_same(one, other)
    assert say_the_same("b: 1\na: 2\n", "a: 2\nb: 1\n")


def test_the_examples_are_laid_out_already() -> None:
    """But for those that show what a cluster exports."""
    workspaces = [
        path.parent for path in (ROOT / "examples").glob("*/fairlead.yaml") if path.parent.name != "kubernetes"
    ]
    examples = [path for workspace in workspaces for path in workspace.glob("*.yaml")]
    assert len(examples) > 10
    assert [path for path in examples if formatted(path.read_text("utf-8")).text != path.read_text("utf-8")] == []
