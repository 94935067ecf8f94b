"""A part of a resource, the object that it comes from, and the table that leads from one to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.provenance.tables import ITSELF, Table
from snapshots.authoring.yaml_nodes import Path

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands at `prefix` of a resource, and below, is said by `subject` at `base` of its document, and below."""

    prefix: Path
    subject: AuthoredObject
    base: Path
    table: Table


@dataclass(frozen=True, slots=True)
class Known:
    """What one compilation came from."""

    world: World
    listeners: Sequence[BoundListener]
    messages: Messages


def itself(prefix: Path, subject: AuthoredObject, path: Path) -> Frame:
    """One value that is said by one value."""
    return Frame(prefix, subject, path, ITSELF)


def named(world: World, text: str) -> AuthoredObject | None:
    """The object that a generated name begins with: `HTTPRoute/shop/web/0`."""
    parts = text.split("/")
    return world.get(parts[0], parts[1], parts[2]) if len(parts) >= 3 else None


def items(holder: Json, *steps: str) -> Iterator[tuple[Path, Any]]:
    """Each item of a list, with its path."""
    here: Any = holder
    for step in steps:
        here = here.get(step, {})
    for index, each in enumerate(here or ()):
        yield (*steps, index), each


def scalars(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value that has nothing below it."""
    if isinstance(value, Mapping):
        below: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, list):
        below = enumerate(value)
    else:
        yield path
        return
    for step, each in below:
        yield from scalars(each, (*path, step))
