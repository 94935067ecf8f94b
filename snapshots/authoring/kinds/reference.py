"""Writes the part of docs/authoring that the models themselves know: a table of the fields of each kind.

python -m snapshots.authoring.kinds.reference docs/authoring
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from snapshots.authoring.kinds.describe import Described, describe
from snapshots.authoring.kinds.model import (
    Duration,
    GroupName,
    HeaderName,
    HeaderValue,
    Hostname,
    KindName,
    NamespaceName,
    SectionName,
)

# What every document has is on the front page, once.
_OF_EVERY_DOCUMENT = frozenset({"apiVersion", "kind", "metadata", "status"})
_MARKED = re.compile(r"<!-- fields of (\w+): begin -->\n.*?<!-- fields of \1: end -->", re.S)
_PATTERN = "matches "


def _pattern(field_type: Any) -> str:
    return f"{_PATTERN}{get_args(field_type)[1].pattern}"


# Expressions that recur, in words.
_IN_WORDS = {
    _pattern(SectionName): "a DNS name",
    _pattern(Hostname): "a host name, or `*.` and one",
    _pattern(NamespaceName): "a DNS label",
    _pattern(GroupName): "an API group",
    _pattern(KindName): "a kind's name",
    _pattern(Duration): "a duration such as `1h30m`, `10s` or `250ms`",
    _pattern(HeaderName): "a header's name",
    _pattern(HeaderValue): "printable characters, with single blanks between them",
}


def fields_markdown(kind: str) -> str:
    """Tables of all fields of a kind: one for the document or its `spec`, then one for each model below, in the order
    in which they are used first."""
    uses: dict[str, list[Described]] = {}
    fields = _first(describe(kind))
    _collect(fields, uses)
    lines = [*_table(fields)]
    for model, places in uses.items():
        at = ", ".join(f"`{each.path.partition('.')[2]}`" for each in places)
        lines += [f"### {model}", "", f"At {at}.", "", *_table(places[0].fields)]
    return "\n".join(lines).rstrip()


def _first(whole: Described) -> Sequence[Described]:
    """What is a kind's own: the fields of `spec` where it has one, else what stands beside its metadata."""
    own = [each for each in whole.fields if each.name not in _OF_EVERY_DOCUMENT]
    return describe(own[0].path).fields if [each.name for each in own] == ["spec"] else own


def _collect(fields: Iterable[Described], uses: dict[str, list[Described]]) -> None:
    """Each model by its name, with the fields that hold one; what is below it is gone through once."""
    for whole in (describe(each.path) for each in fields):
        if whole.fields:
            model = next(word for word in whole.type.split() if word[0].isupper())
            uses.setdefault(model, []).append(whole)
            if len(uses[model]) == 1:
                _collect(whole.fields, uses)


def _table(fields: Sequence[Described]) -> Iterator[str]:
    if fields:
        yield from ("| field | type | default | limits | meaning |", "| --- | --- | --- | --- | --- |")
        yield from map(_row, fields)
        yield ""


def _row(field: Described) -> str:
    default = "required" if field.required else f"`{field.default}`" if field.default else ""
    limits = "; ".join([*map(_limit, field.limits), ", ".join(f"`{each}`" for each in field.allowed)]).strip("; ")
    cells = (f"`{field.name}`", _linked(field.type), default, limits, field.meaning)
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _limit(text: str) -> str:
    if text in _IN_WORDS:
        return _IN_WORDS[text]
    return f"matches `{text.removeprefix(_PATTERN)}`" if text.startswith(_PATTERN) else text


def _linked(type_: str) -> str:
    return re.sub(r"\b([A-Z]\w+)", lambda found: f"[{found[1]}](#{found[1].lower()})", type_)


def with_fields(page: str) -> str:
    """A page with the tables between its markers written anew."""

    def table(found: re.Match[str]) -> str:
        kind = found[1]
        return f"<!-- fields of {kind}: begin -->\n\n{fields_markdown(kind)}\n\n<!-- fields of {kind}: end -->"

    return _MARKED.sub(table, page)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.md")):
        path.write_text(with_fields(path.read_text()))
