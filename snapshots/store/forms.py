"""How the three kinds of values are written as bytes: resources, origins, documents. Pure.

A `Form` is all that a tree knows of its values. The key of an entry is no part of its bytes: the bucket has it already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from snapshots.model import Origin, WorkspaceName
from snapshots.store.codec import Reader, Writer
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import TypeUrl

Value = TypeVar("Value")
Key = tuple[str, str]
"""(type URL, name) of a resource and of its origin; (workspace, path) of a document."""


@dataclass(frozen=True, slots=True)
class Form(Generic[Value]):
    """`encode(value)` and `decode(key, data)` are each other's inverse."""

    encode: Callable[[Value], bytes]
    decode: Callable[[Key, bytes], Value]


# Names beside a resource, each with its type; those that are no reference have one of these instead.
_ALIAS = ""
_ON_DEMAND = ("*", "")
_TTL_MS = "ttl"
_NO_REFERENCES = (_ALIAS, _ON_DEMAND[0], _TTL_MS)


def _encode_resource(resource: Resource) -> bytes:
    named = [(str(reference.type_url), reference.name) for reference in resource.references]
    named += [(_ALIAS, alias) for alias in resource.aliases]
    named += [_ON_DEMAND] if resource.on_demand else []
    named += [(_TTL_MS, str(resource.ttl_ms))] if resource.ttl_ms else []
    writer = Writer()
    writer.text(resource.version)
    writer.number(len(named))
    for kind, name in named:
        writer.text(kind)
        writer.text(name)
    writer.raw(resource.body)
    return writer.data()


def _decode_resource(key: Key, data: bytes) -> Resource:
    reader = Reader(data)
    version = reader.text()
    named = [(reader.text(), reader.text()) for _ in range(reader.number())]
    references = tuple(Reference(TypeUrl(kind), name) for kind, name in named if kind not in _NO_REFERENCES)
    aliases = tuple(name for kind, name in named if kind == _ALIAS)
    ttl_ms = next((int(name) for kind, name in named if kind == _TTL_MS), 0)
    body = reader.rest()
    return Resource(TypeUrl(key[0]), key[1], version, body, references, aliases, _ON_DEMAND in named, ttl_ms)


def _encode_origin(origin: Origin) -> bytes:
    writer = Writer()
    for text in (origin.workspace, origin.path, origin.kind, origin.name):
        writer.text(text)
    writer.number(origin.line)
    writer.number(origin.column)
    return writer.data()


def _decode_origin(key: Key, data: bytes) -> Origin:
    reader = Reader(data)
    workspace, path, kind, name = (reader.text() for _ in range(4))
    return Origin(WorkspaceName(workspace), path, reader.number(), reader.number(), kind, name)


RESOURCES: Form[Resource] = Form(_encode_resource, _decode_resource)
ORIGINS: Form[Origin] = Form(_encode_origin, _decode_origin)
DOCUMENTS: Form[bytes] = Form(lambda content: content, lambda key, data: data)
