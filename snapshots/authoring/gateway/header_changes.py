"""What header modifiers do, one after another, as Envoy does it at once. Pure.

Source: Gateway API, HTTPHeaderFilter: one action for each name; of names that differ in case only, the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from snapshots.authoring.kinds.filters import HeaderModifier

Direction = Literal["request", "response"]
# What names of headers and cookies are made of.  RFC 9110, "Tokens".
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_APPEND = {"set": "OVERWRITE_IF_EXISTS_OR_ADD", "add": "APPEND_IF_EXISTS_OR_ADD"}


@dataclass(frozen=True, slots=True)
class Change:
    """`value` is empty where the header is removed."""

    action: Literal["set", "add", "remove"]
    name: str
    value: str = ""

    @property
    def is_host(self) -> bool:
        """Envoy does not count Host among the headers; it is rewritten."""
        return self.name.lower() == "host"


Changes = tuple[Change, ...]


def changes(modifier: HeaderModifier | None) -> Changes:
    """What one modifier does."""
    if modifier is None:
        return ()
    found: dict[str, Change] = {}
    for each in _all(modifier):
        found.setdefault(each.name.lower(), each)
    return tuple(found.values())


def composed(first: Changes, then: Changes) -> Changes:
    """Both, one after the other: what is set or removed in the end does not depend on what was done before."""
    final = {each.name.lower() for each in then if each.action != "add"}
    return (*(each for each in first if each.name.lower() not in final), *then)


def host(found: Iterable[Change]) -> str | None:
    """The Host that a request is given, if any."""
    return next((each.value for each in found if each.is_host and each.action == "set"), None)


def change_fields(direction: Direction, found: Changes) -> dict[str, Any]:
    """Fields that a Route and a share of a WeightedCluster have alike. Envoy removes before it adds."""
    added = [_added(each) for each in found if each.action != "remove" and not each.is_host]
    removed = [each.name for each in found if each.action == "remove"]
    fields = {f"{direction}_headers_to_add": added, f"{direction}_headers_to_remove": removed}
    return {name: values for name, values in fields.items() if values}


def modifier_problems(direction: Direction, modifier: HeaderModifier) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What cannot be done: where in the modifier, and why."""
    seen: dict[str, str] = {}
    for field, names in _names(modifier).items():
        for index, name in enumerate(names):
            where = (field, index) if field == "remove" else (field, index, "name")
            before = seen.setdefault(name.lower(), field)
            if before != field:
                yield where, f'"{name}" is in {before} too; a header is changed in one way'
            elif not TOKEN.fullmatch(name):
                yield where, f'"{name}" is not the name of a header'
            elif name.lower() == "host" and (direction, field) != ("request", "set"):
                yield where, "Host can only be set, and only of a request"


def _names(modifier: HeaderModifier) -> dict[str, Sequence[str]]:
    return {
        "set": [each.name for each in modifier.set],
        "add": [each.name for each in modifier.add],
        "remove": modifier.remove,
    }


def _all(modifier: HeaderModifier) -> Iterator[Change]:
    yield from (Change("set", each.name, each.value) for each in modifier.set)
    yield from (Change("add", each.name, each.value) for each in modifier.add)
    yield from (Change("remove", name) for name in modifier.remove)


def _added(each: Change) -> dict[str, Any]:
    # Envoy reads commands between per cent signs; two of them stand for one.
    header = {"key": each.name, "value": each.value.replace("%", "%%")}
    return {"header": header, "append_action": _APPEND[each.action]}
