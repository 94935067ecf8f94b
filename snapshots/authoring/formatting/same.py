"""Whether two texts say the same: equal values, anchors, tags and comments, whatever their layout and order of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from snapshots.authoring.formatting.lexemes import comments


def say_the_same(one: str, other: str) -> bool:
    """Both are YAML, and neither a value nor a comment of one is missing in the other."""
    try:
        return _documents(one) == _documents(other) and sorted(comments(one)) == sorted(comments(other))
    except yaml.YAMLError:
        return False


def _documents(text: str) -> list[Any]:
    events: Iterator[Any] = (each for each in yaml.parse(text, Loader=yaml.CSafeLoader) if isinstance(each, _NODES))
    return [(each.version, each.tags, _node(next(events), events)) for each in events]


def _node(event: Any, events: Iterator[Any]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        return ("alias", event.anchor)
    about = (event.anchor, event.tag)
    if isinstance(event, yaml.ScalarEvent):
        return ("scalar", *about, event.value, event.implicit, event.style)
    items = []
    while not isinstance(each := next(events), (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
        items.append(_node(each, events))
    if isinstance(event, yaml.SequenceStartEvent):
        return ("list", *about, items)
    return ("mapping", *about, sorted(zip(items[::2], items[1::2], strict=True), key=repr))


_NODES = (
    yaml.DocumentStartEvent,
    yaml.ScalarEvent,
    yaml.AliasEvent,
    yaml.SequenceStartEvent,
    yaml.SequenceEndEvent,
    yaml.MappingStartEvent,
    yaml.MappingEndEvent,
)
