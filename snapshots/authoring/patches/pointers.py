"""JSON Pointers into Envoy's JSON form. Pure.  RFC 6901, and items of a list by a field of theirs: `name=web`.

The RFC leaves no meaning to such a step into a list, where only numbers and `-` stand; so nothing is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.envoy.problem import did_you_mean, path_text, quoted
from snapshots.authoring.patches.shapes import Shape
from snapshots.authoring.yaml_nodes import Path

_AFTER_THE_LAST = "-"


class PathMissing(Exception):
    """What a pointer leads to is not there."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a list or mapping: what it is in, which key or index there, what it is, and the path of it all.
    The place itself may be empty."""

    holder: Any
    key: str | int
    shape: Shape
    path: Path

    @property
    def is_filled(self) -> bool:
        if isinstance(self.holder, dict):
            return self.key in self.holder
        return isinstance(self.key, int) and self.key < len(self.holder)

    def value(self) -> Any:
        """What stands there. Raises PathMissing."""
        if not self.is_filled:
            raise PathMissing(f"{path_text(self.path)} is not set", 'use "add"')
        return self.holder[self.key]


def steps_of(pointer: str) -> tuple[str, ...]:
    """The steps of a well-formed pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def slot_at(root: Any, shape: Shape, pointer: str) -> Slot:
    """The place that `pointer` leads to; all before it must be there. Lists and maps of messages always are: an empty
    one is put where there is none. Raises PathMissing."""
    here: Any = root
    path: Path = ()
    *before, last = steps_of(pointer)
    for step in before:
        slot = _slot(here, shape, step, path)
        empty = slot.shape.empty()
        if empty is not None and isinstance(here, dict):
            here.setdefault(slot.key, empty)
        if not slot.is_filled:
            raise PathMissing(f"{path_text(slot.path)} is not set", "add it as a whole")
        here, shape, path = slot.value(), slot.shape, slot.path
    return _slot(here, shape, last, path)


def _slot(here: Any, shape: Shape, step: str, path: Path) -> Slot:
    if isinstance(here, list):
        index = _index(here, step, path)
        return Slot(here, index, shape.below(index), (*path, index))
    if not isinstance(here, dict):
        raise PathMissing(f"{path_text(path) or 'the part'} has nothing below it")
    known = shape.opened(here)
    key = known.name(step)
    if key not in here and known.message is not None and not known.is_map and known.field(step) is None:
        hint = did_you_mean(step, known.message.fields_by_name.keys())
        raise PathMissing(f"{known.message.full_name} has no field {quoted(step)}", hint)
    return Slot(here, key, known.below(step), (*path, key))


def _index(items: list[Any], step: str, path: Path) -> int:
    if step == _AFTER_THE_LAST:
        return len(items)
    if step.isascii() and step.isdigit() and (step == "0" or not step.startswith("0")):
        index = int(step)
        if index > len(items):
            raise PathMissing(f"{path_text(path)} has {len(items)} items, no item {index}")
        return index
    key, equals, wanted = step.partition("=")
    if not equals:
        hint = "write its number from 0, - for a new one at the end, or FIELD=VALUE"
        raise PathMissing(f"{path_text(path)} is a list, and {quoted(step)} no item of it", hint)
    found = [index for index, each in enumerate(items) if isinstance(each, dict) and _says(each.get(key), wanted)]
    if len(found) == 1:
        return found[0]
    held = [str(each[key]) for each in items if isinstance(each, dict) and key in each]
    hint = did_you_mean(wanted, held) if not found else "write its number from 0"
    text = f"{len(found)} items of {path_text(path)} have" if found else f"no item of {path_text(path)} has"
    raise PathMissing(f"{text} {key} {quoted(wanted)}", hint)


def _says(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return str(value).lower() == wanted
    return isinstance(value, str | int) and str(value) == wanted
