"""Where a document does not fit its model: every mistake, each at its place. Only asked of documents that do not fit.

Follows msgspec's own description of the model, so that there is one declaration of what may be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from msgspec import Struct, inspect

from api.envoy.problem import did_you_mean, path_text
from snapshots.authoring.envelope import Report
from snapshots.authoring.yaml_nodes import Listing, Mapping, Node, Path, Scalar, describe, place_of
from snapshots.codes import FIELD_OUT_OF_BOUNDS, MISSING_FIELD, UNKNOWN_FIELD, WRONG_TYPE


@cache
def described(model: type[Struct]) -> inspect.StructType:
    """msgspec's description of a model; made once."""
    found = inspect.type_info(model)
    assert isinstance(found, inspect.StructType)
    return found


def mismatches(
    model: type[Struct], root: Mapping, apart: Collection[str], report: Report, *, shows_values: bool = True
) -> None:
    """Report all that keeps `root` from being a `model`. Keys in `apart` are somebody else's."""
    walk = _Walk(root, report, shows_values)
    walk.struct(described(model), root, (), apart)


class _Walk:
    """One document's."""

    def __init__(self, root: Mapping, report: Report, shows_values: bool) -> None:
        self._root = root
        self._report = report
        self._shows_values = shows_values

    def _described(self, node: Node) -> str:
        return describe(node) if self._shows_values or not isinstance(node, Scalar) else "another scalar"

    def _wrong(self, code: str, message: str, path: Path, hint: str = "", *, key: bool = False) -> None:
        self._report.wrong(code, message, place_of(self._root, path, key=key), hint, at=path_text(path))

    def struct(self, expected: inspect.StructType, node: Node, path: Path, apart: Collection[str] = ()) -> None:
        if not isinstance(node, Mapping):
            self._wrong(WRONG_TYPE, f"{path_text(path)} must be a mapping, this is {self._described(node)}", path)
            return
        fields = {field.encode_name: field for field in expected.fields}
        missing = {name for name, field in fields.items() if field.required and name not in node.entries}
        for key, entry in node.entries.items():
            if key in fields:
                self.value(fields[key].type, entry.node, (*path, key))
            elif expected.forbid_unknown_fields and key not in apart:
                hint = did_you_mean(key, fields)
                missing -= {name for name in missing if did_you_mean(key, [name])}  # said once is enough
                known = hint or f"known here: {', '.join(fields)}"
                self._wrong(UNKNOWN_FIELD, f'unknown field "{path_text((*path, key))}"', (*path, key), known, key=True)
        for name in sorted(missing):
            self._wrong(MISSING_FIELD, f"{path_text((*path, name))} is missing", path, key=True)

    def value(self, expected: inspect.Type, node: Node, path: Path) -> None:
        for kind, look in _LOOKS.items():
            if isinstance(expected, kind):
                look(self, expected, node, path)
                return

    def union(self, expected: Any, node: Node, path: Path) -> None:
        """An optional value: null is as good as absent. Of several types, the one that the node looks like."""
        choices = [each for each in expected.types if not isinstance(each, inspect.NoneType)]
        if isinstance(node, Scalar) and node.value is None and len(choices) < len(expected.types):
            return
        fitting = [each for each in choices if _looks_like(each, node)]
        self.value((fitting or choices)[0], node, path)

    def items(self, expected: Any, node: Node, path: Path) -> None:
        if not isinstance(node, Listing):
            hint = "begin each item with a dash"
            self._wrong(WRONG_TYPE, f"{path_text(path)} must be a list, this is {self._described(node)}", path, hint)
            return
        count, low, high = len(node.nodes), expected.min_length, expected.max_length
        if low is not None and count < low:
            self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} needs at least {low}, has {count}", path)
        if high is not None and count > high:
            self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} takes at most {high}, has {count}", path)
        for index, each in enumerate(node.nodes):
            self.value(expected.item_type, each, (*path, index))

    def mapping(self, expected: Any, node: Node, path: Path) -> None:
        if not isinstance(node, Mapping):
            self._wrong(WRONG_TYPE, f"{path_text(path)} must be a mapping, this is {self._described(node)}", path)
            return
        for key, entry in node.entries.items():
            self.value(expected.value_type, entry.node, (*path, key))

    def text(self, expected: Any, node: Node, path: Path) -> None:
        value = self._scalar(str, "text", node, path)
        if value is None:
            return
        if expected.min_length is not None and len(value) < expected.min_length:
            self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} must not be empty", path)
        elif expected.max_length is not None and len(value) > expected.max_length:
            limit = expected.max_length
            self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} has {len(value)} characters, at most {limit}", path)
        elif expected.pattern is not None and not re.search(expected.pattern, value):
            self._wrong(FIELD_OUT_OF_BOUNDS, f'"{value}" is not what {path_text(path)} takes', path)

    def number(self, expected: Any, node: Node, path: Path) -> None:
        value = self._scalar(int, "a whole number", node, path)
        if value is None:
            return
        if (expected.ge is not None and value < expected.ge) or (expected.le is not None and value > expected.le):
            bounds = f"from {expected.ge} to {expected.le}" if expected.le is not None else f"{expected.ge} or more"
            self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} must be {bounds}, this is {value}", path)

    def flag(self, expected: Any, node: Node, path: Path) -> None:
        self._scalar(bool, "true or false", node, path)

    def choice(self, expected: Any, node: Node, path: Path) -> None:
        value = node.value if isinstance(node, Scalar) else None
        if value in expected.values and not isinstance(value, bool):
            return
        shown = f'"{value}"' if isinstance(value, str) else self._described(node)
        known = [str(each) for each in expected.values]
        hint = (did_you_mean(value, known) if isinstance(value, str) else "") or f"one of {', '.join(known)}"
        self._wrong(FIELD_OUT_OF_BOUNDS, f"{path_text(path)} cannot be {shown}", path, hint)

    def _scalar(self, kind: type, words: str, node: Node, path: Path) -> Any:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        hint = "put it in quotes" if kind is str and isinstance(node, Scalar) and value is not None else ""
        self._wrong(WRONG_TYPE, f"{path_text(path)} must be {words}, this is {self._described(node)}", path, hint)
        return None


Look = Callable[[_Walk, Any, Node, Path], None]
_LOOKS: dict[type[inspect.Type], Look] = {
    inspect.StructType: _Walk.struct,
    inspect.UnionType: _Walk.union,
    inspect.VarTupleType: _Walk.items,
    inspect.DictType: _Walk.mapping,
    inspect.StrType: _Walk.text,
    inspect.IntType: _Walk.number,
    inspect.BoolType: _Walk.flag,
    inspect.LiteralType: _Walk.choice,
}


def _looks_like(expected: inspect.Type, node: Node) -> bool:
    if isinstance(expected, inspect.VarTupleType):
        return isinstance(node, Listing)
    if isinstance(expected, (inspect.StructType, inspect.DictType)):
        return isinstance(node, Mapping)
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(expected, inspect.IntType):
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)
