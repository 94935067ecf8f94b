"""Whatever is formatted says what it said before, keeps its comments, and is not changed by formatting it again."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshots.authoring.formatting.formatted import formatted
from snapshots.authoring.formatting.same import say_the_same
from snapshots.authoring.yaml_nodes import to_data
from snapshots.authoring.yaml_tree import read_yaml

KEYS = ("kind", "apiVersion", "metadata", "name", "namespace", "spec", '"@type"', "rules", "status", "labels", "x-y")
SCALARS = (
    *("x", "80", "~", "1.10", "'it''s'", '"a\\tb # no"', '"#no"', "a#b", "yes", "-1", '""', "*.example.com".join("''")),
    *("[]", "{}", "[a,b ]", "{ a: 1,b: [ 2,3] }", '{"a":1}', "[{a: b}, c]", "&a x", "!!str 1"),
)
COMMENTS = st.sampled_from(("# one", "#two", "#", "# kind: Secret", "## a: b"))


class Author:
    """Somebody who indents as they like."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def draw(self, *choices: object) -> object:
        return self._data.draw(st.sampled_from(choices))

    def above(self, indent: int) -> list[str]:
        if self.draw(*[False] * 4, True):
            shift = self.draw(0, 0, 1, 4)
            return [*([""] if self.draw(True, False) else []), " " * (indent + int(str(shift))) + self.comment()]
        return [""] * int(str(self.draw(*[0] * 6, 1, 3)))

    def comment(self) -> str:
        return str(self._data.draw(COMMENTS))

    def beside(self) -> str:
        return str(self.draw(*[""] * 5, " ", f" {self.comment()}", f"     {self.comment()}"))

    def mapping(self, indent: int, depth: int) -> list[str]:
        keys = self._data.draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True))
        lines: list[str] = []
        for key in keys:
            above = self.above(indent)
            lines += [*above, *self.value(f"{' ' * indent}{key}:", indent, depth, in_list=False)]
        return lines

    def listing(self, indent: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(int(str(self.draw(1, 2, 3)))):
            lines += self.above(indent)
            if depth and self.draw(True, False):
                gap = int(str(self.draw(1, 1, 2, 3)))
                inner = self.mapping(indent + 1 + gap, depth - 1)
                start = next(at for at, line in enumerate(inner) if line.strip() and not line.lstrip().startswith("#"))
                first = " " * indent + "-" + " " * gap + inner[start].lstrip()
                lines += [first, *inner[start + 1 :]]
            else:
                lines += self.value(f"{' ' * indent}-", indent, depth, in_list=True)
        return lines

    def value(self, start: str, indent: int, depth: int, *, in_list: bool) -> list[str]:
        step = int(str(self.draw(1, 2, 3, 4)))
        kinds = ("scalar", "scalar", "block", "folded", "lines", "flow", *(("mapping", "list") if depth else ()))
        kind = self.draw(*kinds)
        if kind == "mapping":
            return [start + self.beside(), *self.mapping(indent + step, depth - 1)]
        if kind == "list":
            return [
                start + self.beside(),
                *self.listing(indent + (step if in_list else int(str(self.draw(0, step)))), 0),
            ]
        if kind in ("block", "folded"):
            return self.block(start, indent + step, str(self.draw("|", ">")))
        if kind == "lines":
            inner = " " * (indent + step)
            return [f'{start} "one  ', f"{inner}two\\", f"{inner}  three", "", f'{inner}four"{self.beside()}']
        if kind == "flow":
            inner = " " * (indent + step)
            return [f"{start} [a,{self.beside()}", f"{inner}{{b: c,", f"{inner} d: 'e'}}", f"{inner}]{self.beside()}"]
        return [f"{start}{self.draw(' ', '   ')}{self.draw(*SCALARS)}{self.beside()}"]

    def block(self, start: str, indent: int, mark: str) -> list[str]:
        chomping = self.draw("", "-", "+")
        texts = self._data.draw(st.lists(st.sampled_from(("text", "  more", "a: b", "# no comment", "")), max_size=4))
        lines = [" " * indent + text if text else "" for text in ("first", *texts)]
        return [f"{start} {mark}{chomping}{self.beside()}", *lines]


@st.composite
def documents(draw: st.DrawFn) -> str:
    author = Author(draw(st.data()))
    lines: list[str] = []
    for number in range(draw(st.integers(1, 2))):
        lines += ["---"] if number or draw(st.booleans()) else []
        lines += author.mapping(0, draw(st.integers(0, 3)))
    return "\n".join(lines) + draw(st.sampled_from(("\n", "", "\n\n\n", "\n# the end\n")))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents())
def test_formatting_changes_how_a_text_looks_and_nothing_else(text: str) -> None:
    first = formatted(text)
    again = formatted(first.text)

    assert again.text == first.text
    assert say_the_same(text, first.text)
    before, after = (list(map(to_data, read_yaml(each).documents)) for each in (text, first.text))
    assert before == after
    assert not first.mistakes
