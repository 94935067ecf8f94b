"""What all models share: frozen structs in the field's own names, and the field types that several kinds use.

A model is read by msgspec; `objects` turns what is wrong into mistakes with their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from snapshots.authoring.yaml_nodes import Path

GATEWAY_GROUP = "gateway.networking.k8s.io"

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = rf"{_LABEL}(\.{_LABEL})*"

# Field types, named as Gateway API names them.
Hostname = Annotated[str, Meta(min_length=1, max_length=253, pattern=rf"^(\*\.)?{_NAME}$")]
PreciseHostname = Annotated[str, Meta(min_length=1, max_length=253, pattern=rf"^{_NAME}$")]
SectionName = Annotated[str, Meta(min_length=1, max_length=253, pattern=rf"^{_NAME}$")]
ObjectName = Annotated[str, Meta(min_length=1, max_length=253)]
NamespaceName = Annotated[str, Meta(min_length=1, max_length=63, pattern=rf"^{_LABEL}$")]
GroupName = Annotated[str, Meta(max_length=253, pattern=rf"^$|^{_NAME}$")]
KindName = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")]
PortNumber = Annotated[int, Meta(ge=1, le=65535)]
Weight = Annotated[int, Meta(ge=0, le=1_000_000)]
Duration = Annotated[str, Meta(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")]
HeaderName = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$")]
HeaderValue = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[!-~]+([\t ]?[!-~]+)*$")]


class Model(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a document in which every field is known."""


class OpenModel(Struct, frozen=True, rename="camel"):
    """A part of a Kubernetes manifest: what we do not read may be there all the same."""


class Wrong(Struct, frozen=True):
    """What a rule says: the path from the document's root, a sentence, and what to do."""

    path: Path
    message: str
    suggestion: str = ""


Wrongs = Iterator[Wrong]


def duplicates(values: list[object]) -> Iterator[tuple[int, int]]:
    """(index, index of the first) of every value that stood before. Values must be hashable."""
    first: dict[object, int] = {}
    for index, value in enumerate(values):
        before = first.setdefault(value, index)
        if before != index:
            yield index, before
