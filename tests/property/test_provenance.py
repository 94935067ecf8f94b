"""Every value of what is served is led to a line, and another value on that line gives another value there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.files import read_documents
from snapshots.authoring.patches.results import json_of
from snapshots.authoring.provenance.origins import Provenance, ValueOrigin
from snapshots.authoring.source import LINE_BREAK
from snapshots.authoring.yaml_nodes import Path
from snapshots.model import Document
from tests.example_sites import EXAMPLES, GATEWAYS

Values = dict[tuple[str, str, Path], Any]
Where = tuple[str, str, Path, str]
RAW = ("first", "on_demand")


@cache
def example(name: str) -> tuple[Document, ...]:
    return read_documents([EXAMPLES / name])


def compiled(documents: tuple[Document, ...]) -> Compilation:
    return compile_documents(load_default(), documents)


def values(compilation: Compilation) -> Values:
    """All values of all resources."""
    return {
        (each.resource.type_url, each.resource.name, path): value
        for each in compilation.resources
        for path, value in _flat(json_of(load_default(), each.resource))
    }


@cache
def origins(name: str) -> dict[tuple[str, str, Path], ValueOrigin]:
    provenance = Provenance(load_default(), example(name))
    resources = [each.resource for each in compiled(example(name)).resources]
    return {
        (each.type_url, each.name, path): origin
        for each in resources
        for path, origin in provenance.origins(each.type_url, each.name).items()
    }


@pytest.mark.parametrize("name", [*GATEWAYS, *RAW])
def test_every_value_of_the_examples_has_a_line_or_is_a_default(name: str) -> None:
    found = origins(name)

    assert found.keys() == values(compiled(example(name))).keys()
    assert [key for key, origin in found.items() if origin.how == "object"] == []
    files = {each.path: LINE_BREAK.split(each.content.decode()) for each in example(name)}
    for origin in found.values():
        assert files[origin.path][origin.line - 1].strip()


@pytest.mark.parametrize("name", [*GATEWAYS, *RAW])
def test_another_value_on_the_line_gives_another_value(name: str) -> None:
    before = values(compiled(example(name)))
    counts = _counted(before)
    by_place: dict[tuple[str, int, int], list[tuple[str, str, Path]]] = {}
    for key, origin in origins(name).items():
        if origin.how in ("document", "patch"):
            by_place.setdefault((origin.path, origin.line, origin.column), []).append(key)
    tried = 0
    for place, keys in by_place.items():
        mutant = _mutated(example(name), *place)
        if mutant is not None:
            after = _counted(values(compiled(mutant)))
            tried += 1
            told = {_where(*key, before[key]) for key in keys}
            assert [each for each in told if after[each] == counts[each]] == [], f"what {place} says"
    assert tried >= 4


def _where(type_url: str, name: str, path: Path, value: Any) -> Where:
    """A value and where it stands, but for its number in lists: another value may have another place among them."""
    return (type_url, name, tuple("*" if isinstance(step, int) else step for step in path), repr(value))


def _counted(found: Values) -> Counter[Where]:
    return Counter(_where(*key, value) for key, value in found.items())


def _flat(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if steps is None:
        yield path, value
        return
    for step, each in steps:
        yield from _flat(each, (*path, step))


# A scalar as the examples write it; a list or mapping on the same line is nothing to change.
_SCALAR = re.compile(r'"?(?P<text>[^\s,{}\[\]"#:]+(?::[^\s,{}\[\]"#:]+)*)"?(?P<key>:?)')


def _mutated(documents: tuple[Document, ...], path: str, line: int, column: int) -> tuple[Document, ...] | None:
    """The documents with another value at a place; None where there is no value that can be another one."""
    at = next(index for index, each in enumerate(documents) if each.path == path)
    lines = documents[at].content.decode().split("\n")
    text = lines[line - 1]
    found = _SCALAR.match(text, column - 1)
    if found is None or found["key"]:
        return None
    old = found["text"]
    lines[line - 1] = text[: found.start("text")] + _other(old) + text[found.end("text") :]
    changed = replace(documents[at], content="\n".join(lines).encode())
    return (*documents[:at], changed, *documents[at + 1 :])


def _other(value: str) -> str:
    if value in ("true", "false"):
        return {"true": "false", "false": "true"}[value]
    number = re.fullmatch(r"(\d+)([a-z]*)", value)
    if number:
        return f"{int(number[1]) + 1}{number[2]}"
    address = re.fullmatch(r"(\d+\.\d+\.\d+\.)(\d+)", value)
    return f"{address[1]}{int(address[2]) + 1}" if address else f"{value}x"
