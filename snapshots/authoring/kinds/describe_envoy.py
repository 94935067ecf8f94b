"""Fields of Envoy's messages described for people, from the descriptors: type, rules, alternatives.

Descriptors carry no prose, so the meaning is left to Envoy's own reference, whose address is given.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from api.envoy.problem import did_you_mean
from api.envoy.registry import TYPE_URL_PREFIX, EnvoyApi
from api.envoy.rule_options import RuleOptions
from api.errors import NotFound
from snapshots.authoring.kinds.describe import Described

ENVOY = "envoy."
ANY = "google.protobuf.Any"
_SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
}
# Messages that Envoy's JSON form writes as a scalar.
WELL_KNOWN = {
    "google.protobuf.Duration": "duration, such as 1.5s",
    "google.protobuf.Timestamp": "time, as 2026-01-31T12:00:00Z",
    "google.protobuf.BoolValue": "true or false",
    "google.protobuf.StringValue": "text",
    "google.protobuf.BytesValue": "bytes in base64",
    "google.protobuf.UInt32Value": "whole number",
    "google.protobuf.UInt64Value": "whole number",
    "google.protobuf.Int32Value": "whole number",
    "google.protobuf.Int64Value": "whole number",
    "google.protobuf.DoubleValue": "number",
    "google.protobuf.FloatValue": "number",
    "google.protobuf.Struct": "mapping of anything",
    "google.protobuf.Value": "anything",
    "google.protobuf.ListValue": "list of anything",
    ANY: 'any message; its "@type" says which',
}


def describe_envoy(api: EnvoyApi, path: str) -> Described:
    """What `envoy.config.cluster.v3.Cluster`, or a field of it, is. Raises NotFound with what may be meant."""
    message, steps = _message(api, path)
    options = RuleOptions(api)
    here = _whole(options, message)
    for step in steps:
        if message is None:
            raise NotFound(f"{here.path} is {here.type}: it has no fields")
        field = message.fields_by_name.get(step) or message.fields_by_camelcase_name.get(step)
        if field is None:
            names = [each.name for each in message.fields]
            hint = did_you_mean(step, names) or f"fields: {', '.join(names)}"
            raise NotFound(f'{here.path} has no field "{step}"; {hint}')
        message = _message_below(field)
        here = _field(options, field, here.path, message)
    return here


def _message(api: EnvoyApi, path: str) -> tuple[Any, list[str]]:
    """The message that the longest beginning of `path` names, and the steps that are left."""
    parts = [part.partition("[")[0] for part in path.split(".")]
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if api.knows(TYPE_URL_PREFIX + name):
            return api.message_class(name).DESCRIPTOR, parts[length:]
    near = api.similar_types(TYPE_URL_PREFIX + path)
    hint = f'; did you mean "{near[0].rpartition("/")[2]}"?' if near else ""
    raise NotFound(f'there is no message "{path}" in Envoy\'s API{hint}')


def _whole(options: RuleOptions, message: Any) -> Described:
    package = message.file.name.removesuffix(".proto")
    meaning = f"See https://www.envoyproxy.io/docs/envoy/latest/api-v3/{package.removeprefix('envoy/')}.proto"
    return Described(message.full_name, "message", meaning, fields=_fields(options, message, message.full_name))


def _fields(options: RuleOptions, message: Any, path: str) -> tuple[Described, ...]:
    return tuple(_field(options, each, path, None) for each in message.fields)


def _field(options: RuleOptions, field: Any, path: str, below: Any) -> Described:
    at = f"{path}.{field.name}"
    rules = _rules(options.of_field(field))
    enum = element(field).enum_type
    return Described(
        at,
        type_words(field),
        _meaning(options, field),
        "message.required: true" in rules or "repeated.min_items: 1" in rules,
        limits=tuple(rule for rule in rules if rule != "message.required: true"),
        allowed=tuple(value.name for value in enum.values) if enum is not None else (),
        fields=_fields(options, below, at) if below is not None else (),
    )


def _meaning(options: RuleOptions, field: Any) -> str:
    """Which alternatives exclude each other, and what is on its way out."""
    words = []
    oneof = field.containing_oneof
    if oneof is not None and len(oneof.fields) > 1:
        others = ", ".join(each.name for each in oneof.fields if each.name != field.name)
        need = "Exactly one" if options.requires_one_of(oneof) else "At most one"
        words.append(f"{need} of this and {others}.")
    if field.has_options and field.GetOptions().deprecated:
        words.append("Deprecated.")
    return " ".join(words)


def type_words(field: Any) -> str:
    """`list of envoy.config.core.v3.Address`."""
    if is_map(field):
        return f"mapping of {_one(field.message_type.fields_by_name['value'])}"
    return f"list of {_one(field)}" if field.is_repeated else _one(field)


def _one(field: Any) -> str:
    if field.message_type is not None:
        name = str(field.message_type.full_name)
        return WELL_KNOWN.get(name, name)
    if field.enum_type is not None:
        return "text"
    return (
        "bytes in base64" if field.type == FieldDescriptor.TYPE_BYTES else _SCALARS.get(field.cpp_type, "whole number")
    )


def is_map(field: Any) -> bool:
    """Whether a field is a map, which descriptors have as a list of entries."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def element(field: Any) -> Any:
    """The field itself, or what a map holds."""
    return field.message_type.fields_by_name["value"] if is_map(field) else field


def _message_below(field: Any) -> Any:
    message = element(field).message_type
    return None if message is None or message.full_name in WELL_KNOWN else message


def _rules(rules: Any, prefix: str = "") -> list[str]:
    """Envoy's declared rules of a field, as `uint32.lte: 65535`."""
    found: list[str] = []
    if rules is None:
        return found
    for field, value in rules.ListFields():
        name = f"{prefix}{field.name}"
        if field.message_type is not None and not field.is_repeated:
            if field.message_type.full_name == "google.protobuf.Duration":
                found.append(f"{name}: {value.seconds + value.nanos / 1e9:g}s")
            else:
                found += _rules(value, f"{name}.")
        else:
            shown = ", ".join(map(_shown, value)) if field.is_repeated else _shown(value)
            found.append(f"{name}: {shown}")
    return found


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip().replace("\n", " ")
