"""Messages of the management API as plain data for -o json: numbers as numbers, enums in lower case, times in RFC 3339.

Protobuf's own JSON writes 64-bit numbers as text, which no script expects of a revision's number.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from api.hosting.words import age_text

Field = Any  # a FieldDescriptor, of which protobuf has two classes and the stubs a third


def plain(message: Message) -> dict[str, Any]:
    """All fields of a message, also those that are not set, by their names in the proto."""
    return {field.name: _field(field, message) for field in message.DESCRIPTOR.fields}


def _field(field: Field, message: Message) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(sorted(value.items()))
    if field.is_repeated:
        return [_value(field, item) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(field, value)


def _value(field: Field, value: Any) -> Any:
    if isinstance(value, Timestamp):
        return iso_time(value)
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if field.enum_type is not None:
        return enum_word(field, value)
    return value


def enum_word(field: Field, number: int) -> str:
    """`current` for Node.CURRENT; a number that this version does not know as it is."""
    known = field.enum_type.values_by_number.get(number)
    return str(known.name).lower() if known else str(number)


def word(message: Message, field_name: str) -> str:
    """An enum field's value as a word."""
    return enum_word(message.DESCRIPTOR.fields_by_name[field_name], getattr(message, field_name))


def short_reason(status: Any) -> str:
    """Why a server is not ready, without what its store's own status says in full beside it."""
    reason, detail = str(status.not_ready_reason), str(status.store.detail)
    if reason == detail:  # a store that says nothing in time is described by the last that was known of it
        return reason.partition(":")[0]
    return reason.removesuffix(detail).rstrip(": ")


def seconds_of(time: Timestamp) -> float:
    """Unix time in seconds; 0 when it is not set."""
    return time.seconds + time.nanos / 1e9


def iso_time(time: Timestamp) -> str:
    """RFC 3339 in UTC with milliseconds; empty when it is not set."""
    if not time.seconds and not time.nanos:
        return ""
    return datetime.fromtimestamp(seconds_of(time), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_time(time: Timestamp) -> str:
    """For tables: `2026-01-31 14:05:09` where the person is."""
    return datetime.fromtimestamp(seconds_of(time)).strftime("%Y-%m-%d %H:%M:%S") if time.seconds else ""


def age(time: Timestamp, now_s: float) -> str:
    """`42s`, `17m`, `5h`, `3d` since then; empty when it is not set."""
    return age_text(now_s - seconds_of(time)) if time.seconds else ""
