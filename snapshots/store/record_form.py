"""The form in which records are kept: canonical JSON that says its format. Pure; knows no record.

JSON because people read these in an emergency with `etcdctl get`.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Final

from snapshots.store.codec import Damaged

RECORD_FORMAT: Final = 1


def fields_of(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are (`asdict` would copy all below)."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def json_bytes(value: dict[str, Any]) -> bytes:
    """Equal values are equal bytes; one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def json_object(data: bytes) -> dict[str, Any]:
    """Raises Damaged for what is no record of this format."""
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Damaged(f"a record is not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("format") != RECORD_FORMAT:
        raise Damaged(f"a record of another format; this version reads format {RECORD_FORMAT}")
    return value
