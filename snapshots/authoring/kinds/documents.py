"""Whole documents as models: what stands around a kind's own fields, for explanations and for editors' schemas.

Documents are read by `envelope` and `objects`, which give better words for what is wrong; this says the same as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from snapshots.authoring.kinds.model import Model, NamespaceName, OpenModel
from snapshots.authoring.kinds.table import BY_NAME, FAIRLEAD_GROUP, KINDS
from snapshots.authoring.names import NAME_LIMIT, NAME_PATTERN, SHORT_NAME_LIMIT
from xds.protocol.types import RESOURCE_TYPES

_PATTERN = f"^{re.sub(r'[(][?]:', '(', NAME_PATTERN)}$"
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LIMIT, pattern=_PATTERN)]
ShortName = Annotated[str, Meta(min_length=1, max_length=SHORT_NAME_LIMIT, pattern=_PATTERN)]
Texts = dict[str, str]
# From a cluster: whatever it is.
Ignored = Any
_TYPE_URLS: Any = Literal[tuple(str(row.url) for row in RESOURCE_TYPES)]


class Metadata(Model, frozen=True, kw_only=True):
    """What names a document."""

    name: Name
    labels: Texts = field(default_factory=dict)
    annotations: Texts = field(default_factory=dict)


class WorkspaceMetadata(Metadata, frozen=True, kw_only=True):
    name: ShortName


class ResourceMetadata(Metadata, frozen=True, kw_only=True):
    """Annotations have a meaning there."""


class ObjectMetadata(Metadata, frozen=True, kw_only=True):
    """As Kubernetes has it, which writes null for what is empty."""

    labels: Texts | None = None  # type: ignore[assignment]  # more than our own kinds take
    annotations: Texts | None = None  # type: ignore[assignment]
    creation_timestamp: str | None = None
    generation: int | None = None
    uid: Ignored = None
    resource_version: Ignored = None
    managed_fields: Ignored = None
    owner_references: Ignored = None
    finalizers: Ignored = None
    generate_name: Ignored = None
    self_link: Ignored = None
    deletion_timestamp: Ignored = None
    deletion_grace_period_seconds: Ignored = None


class NamespacedMetadata(ObjectMetadata, frozen=True, kw_only=True):
    namespace: NamespaceName = "default"


class WorkspaceBudgets(Model, frozen=True, kw_only=True):
    resources: Annotated[int, Meta(ge=1)] | None = None
    size_bytes: Annotated[int, Meta(ge=1)] | None = None
    growth_percent: Annotated[int, Meta(ge=1)] | None = None
    removed_percent: Annotated[int, Meta(ge=0, le=100)] | None = None


class WorkspaceSpec(Model, frozen=True, kw_only=True):
    group: ShortName
    budgets: WorkspaceBudgets | None = None


class Workspace(Model, frozen=True, kw_only=True):
    spec: WorkspaceSpec


class EnvoyResourceSpec(OpenModel, frozen=True, kw_only=True):
    type_url: _TYPE_URLS = field(name="@type")


class EnvoyResource(Model, frozen=True, kw_only=True):
    spec: EnvoyResourceSpec


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind: what its documents may say in `apiVersion`, and the model of a whole document."""

    name: str
    api_versions: tuple[str, ...]
    model: type[Struct]


_OWN: dict[str, tuple[type[Struct], type[Struct]]] = {
    "Workspace": (Workspace, WorkspaceMetadata),
    "EnvoyResource": (EnvoyResource, ResourceMetadata),
}
KIND_NAMES: tuple[str, ...] = (*_OWN, *(row.name for row in KINDS))


@cache
def document_kind(name: str) -> DocumentKind:
    """The kind of that name, one of KIND_NAMES."""
    if name in _OWN:
        body, metadata = _OWN[name]
        versions: tuple[str, ...] = (f"{FAIRLEAD_GROUP}/v1",)
    else:
        row = BY_NAME[name]
        body, metadata = row.model, NamespacedMetadata if row.namespaced else ObjectMetadata
        versions = row.api_versions
    return DocumentKind(name, versions, _whole(name, versions, body, metadata))


def _whole(name: str, versions: tuple[str, ...], body: type[Struct], metadata: type[Struct]) -> type[Struct]:
    fields: list[Any] = [
        ("apiVersion", Literal[versions]),
        ("kind", Literal[name]),
        ("metadata", metadata),
        *_fields_of(body),
    ]
    if name not in _OWN:
        fields.append(("status", Ignored, None))
    closed = body.__struct_config__.forbid_unknown_fields
    return msgspec.defstruct(name, fields, bases=(Struct,), kw_only=True, forbid_unknown_fields=closed)


def _fields_of(body: type[Struct]) -> Iterator[Any]:
    """The fields of a kind's own model, as they are authored."""
    hints = get_type_hints(body, include_extras=True)
    for each in msgspec.structs.fields(body):
        if each.required:
            yield each.encode_name, hints[each.name]
        elif each.default is not msgspec.NODEFAULT:
            yield each.encode_name, hints[each.name], each.default
        else:
            yield each.encode_name, hints[each.name], field(default_factory=each.default_factory)
