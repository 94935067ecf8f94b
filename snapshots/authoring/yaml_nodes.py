"""A YAML document as a tree in which every key and value knows its line and column.

Lines and columns count from 1, columns in characters. No parsing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from snapshots.authoring.yaml_scalars import PlainValue


class Place(NamedTuple):
    """A line and a column of a file, from 1."""

    line: int
    column: int


class Scalar(NamedTuple):
    """One value: text, number, boolean or null."""

    value: PlainValue
    place: Place


class Entry(NamedTuple):
    """One value of a mapping and where its key stands."""

    key_place: Place
    node: Node


class Mapping(NamedTuple):
    """Keys, always text, in the order they were written."""

    entries: dict[str, Entry]
    place: Place


class Listing(NamedTuple):
    """A YAML sequence."""

    nodes: list[Node]
    place: Place


Node = Scalar | Mapping | Listing
Path = tuple[str | int, ...]


def to_data(node: Node) -> Any:
    """The tree as plain dicts, lists and scalars: new objects at each call."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: to_data(entry.node) for key, entry in node.entries.items()}
    return [to_data(each) for each in node.nodes]


def describe(node: Node) -> str:
    """What a node is, in the words of an author: `a list`, `the number 5`."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Listing):
        return "a list"
    if node.value is None:
        return "nothing (null)"
    if isinstance(node.value, bool):
        return f"the boolean {str(node.value).lower()}"
    return "text" if isinstance(node.value, str) else f"the number {node.value}"


def place_of(node: Node, path: Path, *, key: bool = False) -> Place:
    """Where the value at `path` stands, or its key if `key`; the nearest parent's place where the path ends early.

    A key matches in snake_case and in camelCase, as Envoy reads both. A value that begins on a line below its key
    (a block mapping) is placed at the key: that is where a reader looks.
    """
    place = node.place
    for step in path:
        entry = _entry(node, step)
        if entry is None:
            return place
        node = entry.node
        below = node.place.line != entry.key_place.line
        place = entry.key_place if key or below else node.place
    return place


def is_there(node: Node, path: Path) -> bool:
    """Whether something is written at `path`. Keys match in both forms, as in `place_of`."""
    for step in path:
        entry = _entry(node, step)
        if entry is None:
            return False
        node = entry.node
    return True


def paths_to(node: Node, value: str, prefix: Path = ()) -> Iterator[Path]:
    """Every path under `node` whose value is the text `value`, in the order of the document."""
    if isinstance(node, Scalar):
        if node.value == value:
            yield prefix
        return
    steps: Sequence[tuple[str | int, Node]]
    if isinstance(node, Mapping):
        steps = [(key, entry.node) for key, entry in node.entries.items()]
    else:
        steps = list(enumerate(node.nodes))
    for step, child in steps:
        yield from paths_to(child, value, (*prefix, step))


def _entry(node: Node, step: str | int) -> Entry | None:
    if isinstance(node, Listing):
        if isinstance(step, int) and 0 <= step < len(node.nodes):
            child = node.nodes[step]
            return Entry(child.place, child)
        return None
    if not isinstance(node, Mapping):
        return None
    found = node.entries.get(str(step))
    if found is not None:
        return found
    wanted = _folded(str(step))
    return next((entry for key, entry in node.entries.items() if _folded(key) == wanted), None)


def _folded(key: str) -> str:
    return key.replace("_", "").lower()
