"""Envoy's words about a resource -> the field that they name, or a value in it that they mention. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from snapshots.authoring.provenance.frames import Json, scalars
from snapshots.authoring.yaml_nodes import Path

_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_WORD = re.compile(r"[^\s,;()'\"]+")
# "ClusterValidationError.LoadAssignment: … | caused by ClusterLoadAssignmentValidationError.Endpoints[0]: …"
_RULE = re.compile(r"ValidationError\.(\w+?)(?:\[([^\]]*)\])?:")


def field_meant(json: Json, words: str) -> Path | None:
    """The path of what `words` are about, in a resource in Envoy's JSON form; None if they do not tell."""
    found = _by_rule(json, words)
    if found:
        return found
    values = [(path, _at(json, path)) for path in scalars(json)]
    for text in values_mentioned(words):
        having = [path for path, value in values if str(value) == text and path not in (("name",), ("@type",))]
        if having:
            # Its own name is what it is called, and not what is wrong with it.
            return max(having, key=lambda path: path[-1] != "name")
    return None


def values_mentioned(words: str) -> tuple[str, ...]:
    """What may be a value that was authored, the likeliest first: what is quoted, then words, the longest first."""
    quoted = [one or other for one, other in _QUOTED.findall(words)]
    plain = sorted({each.rstrip(".:") for each in _WORD.findall(words)}, key=lambda each: (-len(each), each))
    return tuple(dict.fromkeys([*quoted, *(each for each in plain if len(each) > 3)]))


def _by_rule(json: Json, words: str) -> Path:
    """The field whose rule is broken: Envoy names each message on the way to it, and its field, as Go would."""
    here: Any = json
    path: Path = ()
    for field, item in _RULE.findall(words):
        for step in _steps(here, field, item):
            here, path = here[step], (*path, step)
    return path


def _steps(here: Any, field: str, item: str) -> Iterator[str | int]:
    """Into a field, and an item of its; nothing where there is none, as with a field that is required."""
    if not isinstance(here, Mapping):
        return
    key = next((each for each in here if each.replace("_", "").lower() == field.lower()), None)
    if key is None:
        return
    yield key
    if isinstance(here[key], list) and item.isdigit() and int(item) < len(here[key]):
        yield int(item)
    elif isinstance(here[key], Mapping) and item in here[key]:
        yield item


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
