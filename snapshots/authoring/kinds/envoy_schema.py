"""JSON Schema (2020-12) of Envoy's messages in the form that documents have, from the descriptors.

Fields are known in snake_case and in camelCase, as they are read. What an `Any` holds is told by its `@type` and left
open: all extensions together would be larger than any editor likes.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from api.envoy.registry import TYPE_URL_PREFIX, EnvoyApi
from snapshots.authoring.kinds.describe_envoy import ANY, WELL_KNOWN, element, is_map

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "#/$defs/{name}"
Schema = dict[str, Any]

_OPEN_OBJECT: Schema = {"type": "object"}
# Null is as good as absent. Numbers may be texts, as JSON has those of 64 bits.
_TEXT: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": ["boolean", "null"]}
_NUMBER: Schema = {"type": ["number", "string", "null"]}
_WHOLE_NUMBER: Schema = {"type": ["integer", "string", "null"]}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Duration": {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.Timestamp": _TEXT,
    "google.protobuf.BoolValue": _FLAG,
    "google.protobuf.StringValue": _TEXT,
    "google.protobuf.BytesValue": _TEXT,
    "google.protobuf.DoubleValue": _NUMBER,
    "google.protobuf.FloatValue": _NUMBER,
    "google.protobuf.Struct": _OPEN_OBJECT,
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
    ANY: {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
}
_SCALARS: dict[int, Schema] = {
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
    FieldDescriptor.CPPTYPE_BOOL: _FLAG,
    FieldDescriptor.CPPTYPE_DOUBLE: _NUMBER,
    FieldDescriptor.CPPTYPE_FLOAT: _NUMBER,
}


def message_schema(api: EnvoyApi, full_name: str) -> Schema:
    """The schema of one message, with those that it holds under `$defs`. Raises InvalidConfig for an unknown name."""
    definitions = message_definitions(api, full_name)
    definitions[full_name]["properties"]["@type"] = {"const": TYPE_URL_PREFIX + full_name}
    return {"$schema": DIALECT, "$ref": REFERENCE.format(name=full_name), "$defs": definitions}


def message_definitions(api: EnvoyApi, full_name: str) -> Schema:
    """The definitions of a message and of all that it holds, by their full names."""
    waiting, found = [api.message_class(full_name).DESCRIPTOR], {}
    while waiting:
        message = waiting.pop()
        if message.full_name in found:
            continue
        found[message.full_name] = _message(message)
        held = [element(field).message_type for field in message.fields]
        waiting += [each for each in held if each is not None and each.full_name not in WELL_KNOWN]
    return dict(sorted(found.items()))


def _message(message: Any) -> Schema:
    properties: Schema = {}
    for field in message.fields:
        properties[field.name] = _field(field)
        if field.camelcase_name != field.name:
            properties[field.camelcase_name] = properties[field.name]
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _field(field: Any) -> Schema:
    if is_map(field):
        return {"type": "object", "additionalProperties": _one(field.message_type.fields_by_name["value"])}
    return {"type": "array", "items": _one(field)} if field.is_repeated else _one(field)


def _one(field: Any) -> Schema:
    if field.message_type is not None:
        name = field.message_type.full_name
        if name in WELL_KNOWN:
            return _WELL_KNOWN.get(name, _WHOLE_NUMBER)
        return {"$ref": REFERENCE.format(name=name)}
    if field.enum_type is not None:
        names = [value.name for value in field.enum_type.values]
        return {"anyOf": [{"enum": names}, {"type": ["integer", "null"]}]}  # their numbers are read, too
    return _SCALARS.get(field.cpp_type, _WHOLE_NUMBER)
