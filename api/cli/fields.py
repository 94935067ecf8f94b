"""What differs between two values in JSON form, as a list of fields. Pure; knows nothing of resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VALUE_LIMIT = 72
ABSENT = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. `path` reads like `filter_chains[0].name`; a side that is not there is ABSENT."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        if self.before is ABSENT:
            return f"{place}added {short(self.after)}"
        if self.after is ABSENT:
            return f"{place}removed {short(self.before)}"
        return f"{place}{short(self.before)} -> {short(self.after)}"


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Every field that differs, in the order of the values; parts that are equal are not entered."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _in_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(before, after, path)
    else:
        yield FieldChange(path, before, after)


def _in_objects(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[FieldChange]:
    for key in (*before, *(key for key in after if key not in before)):
        yield from field_changes(before.get(key, ABSENT), after.get(key, ABSENT), joined(path, key))


def _in_lists(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[FieldChange]:
    """Equal ends are set aside, so that an insertion is one addition and not a change of all that follows."""
    start = _equal_at_start(before, after)
    end = _equal_at_start(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    for offset in range(max(len(old), len(new))):
        left = old[offset] if offset < len(old) else ABSENT
        right = new[offset] if offset < len(new) else ABSENT
        yield from field_changes(left, right, f"{path}[{start + offset}]")


def _equal_at_start(left: Sequence[Any], right: Sequence[Any]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def joined(path: str, key: str) -> str:
    """The path of a key; a key that is no plain name (a type URL, a map's key) is quoted."""
    if not key.isidentifier():
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def short(value: Any, limit: int = VALUE_LIMIT) -> str:
    """A value on one line, cut to `limit` characters. Texts that cannot be mistaken stand without quotes."""
    plain = isinstance(value, str) and value and not any(letter in value for letter in " \t\n\"'{}[]->,")
    text = value if plain else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
