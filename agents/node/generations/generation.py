"""The shapes of a generation: what is kept, what is known of it, and what comes back from disk. No I/O here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from xds.protocol.catalogue import Catalogue
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import RESOURCE_TYPES, TypeUrl

State = Literal["candidate", "good", "rejected", "damaged"]  # damaged: set aside, for people to look at


class ResourceName(NamedTuple):
    """Which resource, without its content."""

    type_url: TypeUrl
    name: str


class Relations(NamedTuple):
    """What is derived from a body and not kept: see `Resource.references` and `Resource.aliases`."""

    references: tuple[Reference, ...] = ()
    aliases: tuple[str, ...] = ()


Relate = Callable[[TypeUrl, bytes], Relations]
IsSecret = Callable[[Resource], bool]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a generation keeps: everything held at one moment.

    `whole` are the types of which upstream has told everything, `absent` the names of which it has told that there is
    nothing. `left_out` are resources that were there and are not kept, because they hold secrets: of those nothing is
    known, least of all that they are missing.
    """

    revision: int
    resources: tuple[Resource, ...]
    whole: tuple[TypeUrl, ...] = ()
    absent: tuple[ResourceName, ...] = ()
    left_out: tuple[ResourceName, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a generation without its contents. `size_bytes` is its file's.

    `content` is a digest of what it keeps: equal for equal contents, whenever and at whatever revision they were kept.
    """

    number: int
    state: State
    node: str
    group: str
    revision: int
    made_at_s: int
    content: str
    resource_count: int
    left_out_count: int
    sealed_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Generation:
    """A whole, verified generation. With `sealed_shut`, a sentence, its secrets could not be opened, and are in
    `contents.left_out`."""

    summary: Summary
    contents: Contents
    sealed_shut: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that was passed over: what is wrong, where, and what to do, as one sentence."""

    file_name: str
    why: str


@dataclass(frozen=True, slots=True)
class Search:
    """What was looked for, if there is one, and what was passed over on the way, newest first."""

    generation: Generation | None
    unusable: tuple[Unusable, ...] = ()


def content_of(catalogue: Catalogue) -> str:
    """A digest of all that a catalogue holds now, secrets too: for `Baking`, and never for the disk. O(types)."""
    versions = "\0".join(catalogue.served(row.url).version for row in RESOURCE_TYPES)
    return hashlib.sha256(versions.encode()).hexdigest()
