"""Walking messages: the messages inside a message, those inside an Any too, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from api.envoy.problem import Path

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi

ANY = "google.protobuf.Any"
TYPED_STRUCTS = frozenset({"xds.type.v3.TypedStruct", "udpa.type.v1.TypedStruct"})
_WELL_KNOWN = "google.protobuf."


def is_map(field: FieldDescriptor) -> bool:
    """Whether `field` is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


@lru_cache(maxsize=4096)
def child_fields(descriptor: Descriptor, skip: frozenset[str] = frozenset()) -> frozenset[int]:
    """The numbers of the fields that hold messages worth walking: no well-known type but Any, none named in `skip`."""
    return frozenset(field.number for field in descriptor.fields if _is_worth_walking(field, skip))


def _is_worth_walking(field: FieldDescriptor, skip: frozenset[str]) -> bool:
    kind = field.message_type
    if kind is None:
        return False
    if is_map(field):
        value: FieldDescriptor = kind.fields_by_name["value"]
        return _is_worth_walking(value, skip)
    return kind.full_name == ANY or not (kind.full_name.startswith(_WELL_KNOWN) or kind.full_name in skip)


def children(api: EnvoyApi, message: Any, numbers: frozenset[int]) -> Iterator[tuple[Path, Any]]:
    """The messages in the fields `numbers` of `message`, each with its place below it; maps in the order of their keys.

    An Any has one child, what it holds, in its own place; none when its type is unknown or its bytes are broken.
    """
    if message.DESCRIPTOR.full_name == ANY:
        payload = api.unpacked(message)
        if payload is not None:
            yield (), payload
    elif numbers:
        for field, value in message.ListFields():
            if field.number in numbers:
                yield from _in_field(field, value)


def _in_field(field: FieldDescriptor, value: Any) -> Iterator[tuple[Path, Any]]:
    if not field.is_repeated:
        yield (field.name,), value
    elif is_map(field):
        for key in sorted(value):
            yield (field.name, key), value[key]
    else:
        for index, item in enumerate(value):
            yield (field.name, index), item
