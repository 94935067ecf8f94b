"""What a check says about a resource, before anybody knows the exact line. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.envoy.problem import Path
from api.errors import Severity
from snapshots.model import Origin
from xds.protocol.types import BY_URL, TypeUrl


@dataclass(frozen=True, slots=True)
class Generated:
    """A place in a generated resource: its type and name, and the path in Envoy's JSON form."""

    type_url: TypeUrl
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing wrong with what was authored at `origin`. Where in its document: at the path `at`, or where its spec
    `mentions` a name, or the first of the texts `likely` that it has. `beside`: a value of another document that the
    message ends with, whose place is told after it. `generated`: what it is about; the line that says so may be another
    object's, and is to be found."""

    code: str
    message: str
    origin: Origin
    suggestion: str = ""
    severity: Severity = "error"
    at: Path = ()
    mentions: str = ""
    likely: tuple[str, ...] = ()
    beside: tuple[Origin, Path] | None = None
    generated: Generated | None = None


# Which of two is "already there" for the other: the smaller.
Order = Callable[[Origin], Any]


def by_place(origin: Origin) -> tuple[str, int, int]:
    """The order of files and lines."""
    return (origin.path, origin.line, origin.column)


def kind_of(type_url: TypeUrl) -> str:
    """`cluster`, `route`, …: what people call resources of this type."""
    row = BY_URL.get(type_url)
    return row.short if row else type_url.rpartition(".")[2]
