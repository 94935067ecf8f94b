"""What Envoy's API calls a secret: fields that it marks sensitive, and whether a message holds one.

Source: the field option `udpa.annotations.sensitive` in Envoy's descriptors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from api.envoy.messages import ANY, TYPED_STRUCTS, child_fields, children, is_map
from api.envoy.problem import DEPTH_LIMIT
from api.envoy.registry import EnvoyApi

SENSITIVE_OPTION = 76569463
_DATA_SOURCE = "envoy.config.core.v3.DataSource"
_INLINE = ("inline_bytes", "inline_string")
Descriptor = Any  # of a message; protobuf has two classes of them and the stubs a third
FieldDescriptor = Any


def is_sensitive(field: FieldDescriptor) -> bool:
    """Whether Envoy's API says that a field's value is a secret."""
    if not field.has_options:
        return False
    # The annotation's own descriptor lives in the private pool, so to protobuf's FieldOptions it is an unknown field.
    unknown: Any = UnknownFieldSet(field.GetOptions())
    return any(item.field_number == SENSITIVE_OPTION and item.data for item in unknown)


@lru_cache(maxsize=4096)
def sensitive_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """A message's own fields that are sensitive."""
    return tuple(field for field in descriptor.fields if is_sensitive(field))


def holds_secret(api: EnvoyApi, message: Message) -> bool:
    """Whether a sensitive field of `message`, or of anything in it, has a value; Anys and TypedStructs are looked into.

    The name of a file or of a variable is no secret: a DataSource counts where the bytes are in it. What is nested too
    deeply to be looked at counts as one; what is in an Any of an unknown type cannot be told.
    """
    return _holds(api, message, 1)


def _holds(api: EnvoyApi, message: Any, depth: int) -> bool:
    descriptor = message.DESCRIPTOR
    if depth > DEPTH_LIMIT or any(_has_value(message, field) for field in sensitive_fields(descriptor)):
        return True
    if descriptor.full_name in TYPED_STRUCTS:
        meant = _meant_by(api, message)
        return meant is not None and _holds(api, meant, depth + 1)
    return any(_holds(api, child, depth + 1) for _, child in children(api, message, _promising(descriptor)))


@lru_cache(maxsize=4096)
def _promising(descriptor: Descriptor) -> frozenset[int]:
    """The numbers of the fields below which there can be a secret: of an endpoint's address, say, there is none."""
    by_number = descriptor.fields_by_number
    return frozenset(number for number in child_fields(descriptor) if _can_hold(by_number[number].message_type))


@lru_cache(maxsize=4096)
def _can_hold(descriptor: Descriptor) -> bool:
    seen, pending = {descriptor.full_name}, [descriptor]
    while pending:
        here = pending.pop()
        if here.full_name == ANY or here.full_name in TYPED_STRUCTS or sensitive_fields(here):
            return True
        below = (here.fields_by_number[number].message_type for number in child_fields(here))
        fresh = [kind for kind in below if kind.full_name not in seen]
        seen.update(kind.full_name for kind in fresh)
        pending.extend(fresh)
    return False


def _meant_by(api: EnvoyApi, typed_struct: Any) -> Message | None:
    """Envoy turns a TypedStruct of a type that it knows into that type."""
    from api.envoy.json_form import from_json, to_json  # a MiB, and hardly anybody writes TypedStructs

    value = to_json(api, typed_struct).get("value") if api.knows(typed_struct.type_url) else None
    return from_json(api, {**value, "@type": typed_struct.type_url}).message if isinstance(value, dict) else None


def _has_value(message: Any, field: FieldDescriptor) -> bool:
    value = getattr(message, field.name)
    if is_map(field):
        return any(_is_value(item) for item in value.values())
    if field.is_repeated:
        return any(_is_value(item) for item in value)
    return (field.message_type is None or message.HasField(field.name)) and _is_value(value)


def _is_value(value: Any) -> bool:
    descriptor = getattr(value, "DESCRIPTOR", None)
    if descriptor is None or descriptor.full_name != _DATA_SOURCE:
        return descriptor is not None or bool(value)
    return value.WhichOneof("specifier") in _INLINE
