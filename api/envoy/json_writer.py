"""Writes a message in Envoy's JSON form: the proto's own field names, nested Any resolved. Never raises for content.

What cannot be resolved (an unknown type, broken bytes, too deep) keeps its type and has its bytes in base64, so that a
dump of what is served always works.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from api.envoy.json_reader import EMPTY, WRAPPERS
from api.envoy.messages import ANY, is_map
from api.envoy.problem import DEPTH_LIMIT

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi

_INT64 = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
_STRINGS = ("google.protobuf.Duration", "google.protobuf.Timestamp", "google.protobuf.FieldMask")


class JsonWriter:
    """Writes messages of one API."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
        self._special: dict[str, Callable[[Any, int], Any]] = {
            ANY: self._any,
            "google.protobuf.Struct": self._struct,
            "google.protobuf.Value": self._value,
            "google.protobuf.ListValue": self._list_value,
            **dict.fromkeys(_STRINGS, _string_form),
            **dict.fromkeys(WRAPPERS, _wrapper),
        }

    def typed(self, message: Message, type_url: str, depth: int) -> dict[str, Any]:
        """The object of `message` with its `@type` first."""
        name = message.DESCRIPTOR.full_name
        if name in self._special or name == EMPTY:
            return {"@type": type_url, "value": self.message(message, depth)}
        return {"@type": type_url, **self._fields(message, depth)}

    def message(self, message: Message, depth: int) -> Any:
        write: Callable[[Any, int], Any] = self._special.get(message.DESCRIPTOR.full_name, self._fields)
        return write(message, depth)

    def _fields(self, message: Message, depth: int) -> dict[str, Any]:
        return {field.name: self._field(field, value, depth) for field, value in message.ListFields()}

    def _field(self, field: FieldDescriptor, value: Any, depth: int) -> Any:
        if is_map(field):
            kind: Any = field.message_type
            entry = kind.fields_by_name["value"]
            return {_key_form(key): self._one(entry, value[key], depth + 1) for key in sorted(value)}
        if field.is_repeated:
            return [self._one(field, item, depth) for item in value]
        return self._one(field, value, depth)

    def _one(self, field: FieldDescriptor, value: Any, depth: int) -> Any:
        return self.message(value, depth + 1) if field.message_type is not None else _scalar_form(field, value)

    def _any(self, message: Any, depth: int) -> dict[str, Any]:
        if not message.type_url and not message.value:
            return {}
        payload = self._api.unpacked(message) if depth < DEPTH_LIMIT else None
        if payload is not None:
            return self.typed(payload, message.type_url, depth + 1)
        return {"@type": message.type_url, "value": _base64(message.value)}

    def _struct(self, message: Any, depth: int) -> dict[str, Any]:
        return {key: self._value(message.fields[key], depth) for key in sorted(message.fields)}

    def _list_value(self, message: Any, depth: int) -> list[Any]:
        return [self._value(value, depth) for value in message.values]

    def _value(self, message: Any, depth: int) -> Any:
        kind = message.WhichOneof("kind")
        if kind == "struct_value":
            return self._struct(message.struct_value, depth + 1)
        if kind == "list_value":
            return self._list_value(message.list_value, depth + 1)
        if kind == "number_value":
            number = message.number_value
            return int(number) if number.is_integer() else _float_form(number)
        return None if kind in (None, "null_value") else getattr(message, kind)


def _scalar_form(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _base64(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return value if named is None else None if named.type.full_name == "google.protobuf.NullValue" else named.name
    if field.cpp_type in _INT64:
        return str(value)
    if field.cpp_type in _FLOATS:
        return _float_form(value, single=field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT)
    return value


def _float_form(value: float, *, single: bool = False) -> float | str:
    """JSON has no infinities. A 32-bit float is written with the fewest digits that read back to it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if not single:
        return value
    return next(short for digits in range(6, 18) if _as_single(short := float(f"{value:.{digits}g}")) == value)


def _as_single(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:  # The largest float, rounded up to fewer digits.
        return math.inf


def _string_form(message: Any, depth: int) -> str:
    try:
        return str(message.ToJsonString())
    except ValueError:  # Out of what the type may hold; only bytes from elsewhere can say so.
        return f"invalid {message.DESCRIPTOR.name}: {str(message).strip()}".replace("\n", " ")


def _wrapper(message: Any, depth: int) -> Any:
    return _scalar_form(message.DESCRIPTOR.fields_by_name["value"], message.value)


def _key_form(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
