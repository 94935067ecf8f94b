"""Reads Envoy's JSON form into a message and reports everything that is wrong on the way, each with its path.

Protobuf's own reader stops at the first mistake and names no path; this one checks and builds in a single walk.
Field names are taken as in the proto (`connect_timeout`) and as in JSON (`connectTimeout`), as Envoy takes them.
The rules of proto3's JSON mapping hold: null is "not set", 64-bit numbers may be strings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from api.envoy import json_times, problem
from api.envoy.json_scalars import Misread, described, read_map_key, read_scalar
from api.envoy.messages import ANY, TYPED_STRUCTS, is_map
from api.envoy.problem import DEPTH_LIMIT, Path, Problem, did_you_mean, quoted

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi

EMPTY = "google.protobuf.Empty"
VALUE = "google.protobuf.Value"
WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
# A struct in a struct is three messages deep on the wire: the struct, the map's entry and the value.
STRUCT_DEPTH = 3
# Looking for what was meant takes about a millisecond. After this many problems nobody reads suggestions any more.
SUGGESTIONS_LIMIT = 200


class JsonReader:
    """One reading of one document; `problems` collects what was wrong."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
        self.problems: list[Problem] = []
        self._special: dict[str, Callable[[Any, Any, Path, int], None]] = {
            ANY: self._any,
            "google.protobuf.Struct": self._struct,
            VALUE: self._value,
            "google.protobuf.ListValue": self._list_value,
        }

    def typed(self, data: object, path: Path, depth: int) -> Message | None:
        """The message of an object that says its type in `@type`; None when that cannot be told."""
        if not isinstance(data, Mapping):
            self._report(path, f"expected an object with @type, found {described(data)}", code=problem.NOT_AN_OBJECT)
            return None
        type_url = data.get("@type")
        if not isinstance(type_url, str):
            found = "has no @type" if type_url is None else f"has {described(type_url)} as @type"
            hint = 'say what it is, as "@type": "type.googleapis.com/…"'
            self._report(path, f"the object {found}", hint, problem.MISSING_TYPE)
            return None
        if not self._api.knows(type_url):
            self._report_unknown_type(type_url, (*path, "@type"))
            return None
        message = self._api.new(type_url.rpartition("/")[2])
        name = message.DESCRIPTOR.full_name
        if self._is_special(name) or (name == EMPTY and "value" in data):
            self._typed_value(data, message, path, depth)
        else:
            self._fields(data, message, path, depth, typed=True)
        return message

    def message(self, data: object, target: Any, path: Path, depth: int) -> None:
        """Read `data` into `target`, whatever kind of message it is."""
        if depth > DEPTH_LIMIT:
            self._report(path, f"nested deeper than {DEPTH_LIMIT} levels, which Envoy refuses", code=problem.TOO_DEEP)
            return
        name = target.DESCRIPTOR.full_name
        if name in self._special:
            self._special[name](data, target, path, depth)
        elif name in json_times.READERS:
            try:
                json_times.READERS[name](data, target)
            except Misread as error:
                self._report_misread(path, error)
        elif name in WRAPPERS:
            self._scalar(target.DESCRIPTOR.fields_by_name["value"], data, target, path)
        else:
            self._fields(data, target, path, depth)

    def _is_special(self, name: str) -> bool:
        return name in self._special or name in json_times.READERS or name in WRAPPERS

    def _typed_value(self, data: Mapping[str, object], message: Message, path: Path, depth: int) -> None:
        """`{"@type": …, "value": …}`: how an Any holds a type that is not an object in JSON."""
        for key in data:
            if key not in ("@type", "value"):
                reason = f'{message.DESCRIPTOR.full_name} stands under "value"; nothing else may be beside @type'
                self._report((*path, key), reason, code=problem.UNKNOWN_FIELD)
        if "value" not in data:
            self._report(path, f'{message.DESCRIPTOR.full_name} needs "value" beside @type', code=problem.MISSING_TYPE)
            return
        self.message(data["value"], message, (*path, "value"), depth)

    def _fields(self, data: object, target: Any, path: Path, depth: int, *, typed: bool = False) -> None:
        if not isinstance(data, Mapping):
            name = target.DESCRIPTOR.full_name
            self._report(path, f"expected an object ({name}), found {described(data)}", code=problem.NOT_AN_OBJECT)
            return
        seen: dict[str, object] = {}
        for key, value in data.items():
            if typed and key == "@type":
                continue
            place = (*path, key)
            field = self._field(target.DESCRIPTOR, key, place)
            if field is None:
                continue
            if value is None:
                self._null(field, target)
                continue
            # What is set twice is still checked, on a message that nobody keeps.
            repeated = self._is_repetition(field, key, seen, place)
            self._field_value(field, value, type(target)() if repeated else target, place, depth)
        if target.DESCRIPTOR.full_name in TYPED_STRUCTS:
            self._typed_struct(data, path, depth)

    def _field(self, descriptor: Descriptor, key: object, place: Path) -> FieldDescriptor | None:
        field = None
        if isinstance(key, str):
            field = descriptor.fields_by_name.get(key) or descriptor.fields_by_camelcase_name.get(key)
        if field is None:
            names = (*descriptor.fields_by_name, *descriptor.fields_by_camelcase_name)
            hint = did_you_mean(str(key), names) if len(self.problems) < SUGGESTIONS_LIMIT else ""
            self._report(place, f"{descriptor.full_name} has no field {quoted(str(key))}", hint, problem.UNKNOWN_FIELD)
        return field

    def _is_repetition(self, field: FieldDescriptor, key: str, seen: dict[str, object], place: Path) -> bool:
        """Whether this field, or another of its oneof, was read before. Reported; the first one counts."""
        oneof = field.containing_oneof
        earlier = seen.setdefault(field.name, key)
        if earlier != key:
            self._report(place, f'"{key}" and "{earlier}" are the same field', "keep one", problem.FIELD_SET_TWICE)
            return True
        if oneof is None:
            return False
        earlier = seen.setdefault(f"oneof {oneof.name}", key)
        if earlier != key:
            reason = f'"{key}" and "{earlier}" cannot both be set: {oneof.name} is one of them'
            self._report(place, reason, "keep one", problem.ONEOF_SET_TWICE)
        return earlier != key

    def _null(self, field: FieldDescriptor, target: Any) -> None:
        """null is "not set", but for a Value, where it is a value."""
        if not field.is_repeated and field.message_type is not None and field.message_type.full_name == VALUE:
            getattr(target, field.name).null_value = 0

    def _field_value(self, field: FieldDescriptor, value: Any, target: Any, path: Path, depth: int) -> None:
        kind = field.message_type
        if is_map(field):
            self._map(field, value, getattr(target, field.name), path, depth)
        elif field.is_repeated:
            self._list(field, value, getattr(target, field.name), path, depth)
        elif kind is not None:
            child = getattr(target, field.name)
            child.SetInParent()
            self.message(value, child, path, depth + 1)
        else:
            self._scalar(field, value, target, path)

    def _scalar(self, field: FieldDescriptor, value: object, target: Message, path: Path) -> None:
        try:
            setattr(target, field.name, read_scalar(field, value))
        except Misread as error:
            self._report_misread(path, error)

    def _list(self, field: FieldDescriptor, values: Any, target: Any, path: Path, depth: int) -> None:
        if not isinstance(values, list | tuple):
            hint = "put it in a list" if field.message_type is None or isinstance(values, Mapping) else ""
            self._report(path, f"expected a list, found {described(values)}", hint)
            return
        is_value = field.message_type is not None and field.message_type.full_name == VALUE
        for index, value in enumerate(values):
            place = (*path, index)
            if value is None and not is_value:
                self._report(place, "null cannot stand in a list", "remove it")
            elif field.message_type is not None:
                self.message(value, target.add(), place, depth + 1)
            else:
                self._list_item(field, value, target, place)

    def _list_item(self, field: FieldDescriptor, value: object, target: Any, path: Path) -> None:
        try:
            target.append(read_scalar(field, value))
        except Misread as error:
            self._report_misread(path, error)

    def _map(self, field: FieldDescriptor, entries: Any, target: Any, path: Path, depth: int) -> None:
        if not isinstance(entries, Mapping):
            self._report(path, f"expected an object (a map), found {described(entries)}")
            return
        entry: Any = field.message_type
        key_field, value_field = entry.fields_by_name["key"], entry.fields_by_name["value"]
        for key, value in entries.items():
            try:
                self._map_entry(target, read_map_key(key_field, key), value_field, value, (*path, key), depth)
            except Misread as error:
                self._report_misread((*path, key), error)

    def _map_entry(self, target: Any, key: object, field: FieldDescriptor, value: Any, path: Path, depth: int) -> None:
        if field.message_type is None:
            target[key] = read_scalar(field, value)
        elif value is None and field.message_type.full_name != VALUE:
            raise Misread("null cannot stand in a map", suggestion="remove it")
        else:
            self.message(value, target[key], path, depth + 2)

    def _any(self, data: object, target: Any, path: Path, depth: int) -> None:
        if isinstance(data, Mapping) and not data:
            return
        payload = self.typed(data, path, depth + 1) if depth < DEPTH_LIMIT else None
        if depth >= DEPTH_LIMIT:
            self._report(path, f"nested deeper than {DEPTH_LIMIT} levels, which Envoy refuses", code=problem.TOO_DEEP)
        elif payload is not None and isinstance(data, Mapping):
            target.type_url = data["@type"]
            target.value = payload.SerializeToString(deterministic=True)

    def _typed_struct(self, data: Mapping[str, Any], path: Path, depth: int) -> None:
        """Envoy turns a TypedStruct of a type it knows into that type, so its value has to have that form."""
        key = "type_url" if "type_url" in data else "typeUrl"
        type_url, value = data.get(key), data.get("value")
        if isinstance(type_url, str) and isinstance(value, Mapping) and self._api.knows(type_url):
            self.message(value, self._api.new(type_url.rpartition("/")[2]), (*path, "value"), depth + 1)

    def _struct(self, data: Any, target: Any, path: Path, depth: int) -> None:
        if not isinstance(data, Mapping):
            self._report(path, f"expected an object, found {described(data)}")
            return
        target.SetInParent()
        for key, value in data.items():
            if isinstance(key, str):
                self.message(value, target.fields[key], (*path, key), depth + STRUCT_DEPTH - 1)
            else:
                self._report((*path, key), f"expected a string as key, found {described(key)}", "put it in quotes")

    def _value(self, data: Any, target: Any, path: Path, depth: int) -> None:
        if isinstance(data, Mapping):
            target.struct_value.SetInParent()
            self.message(data, target.struct_value, path, depth + 1)
        elif isinstance(data, list | tuple):
            target.list_value.SetInParent()
            self.message(data, target.list_value, path, depth + 1)
        elif data is None:
            target.null_value = 0
        elif isinstance(data, bool):
            target.bool_value = data
        elif isinstance(data, float) and not math.isfinite(data):
            self._report(path, "JSON has no such number", "put it in quotes", problem.OUT_OF_RANGE)
        elif isinstance(data, int | float):
            self._scalar(target.DESCRIPTOR.fields_by_name["number_value"], data, target, path)
        else:
            self._scalar(target.DESCRIPTOR.fields_by_name["string_value"], data, target, path)

    def _list_value(self, data: Any, target: Any, path: Path, depth: int) -> None:
        if not isinstance(data, list | tuple):
            self._report(path, f"expected a list, found {described(data)}")
            return
        for index, value in enumerate(data):
            self.message(value, target.values.add(), (*path, index), depth + 1)

    def _report_misread(self, path: Path, error: Misread) -> None:
        self._report(path, error.message, error.suggestion, error.code)

    def _report_unknown_type(self, type_url: str, path: Path) -> None:
        near = self._api.similar_types(type_url) if len(self.problems) < SUGGESTIONS_LIMIT else ()
        hint = f"did you mean {quoted(near[0], 200)}?" if near else "is a descriptor set for it configured?"
        self._report(path, f"unknown type {quoted(type_url, 200)}", hint, problem.UNKNOWN_TYPE)

    def _report(self, path: Path, message: str, suggestion: str = "", code: str = problem.WRONG_TYPE) -> None:
        self.problems.append(Problem(path, message, suggestion, code))
