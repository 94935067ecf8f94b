"""Durations, timestamps and field masks: well-known types that are one string in JSON. No I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from api.envoy import problem
from api.envoy.json_scalars import Misread, described

# What google.protobuf.Duration can hold: ±10,000 years.
DURATION_LIMIT_S = 315_576_000_000
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_UNITS_IN_NANOS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_OTHER_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s?(ns|us|µs|ms|s|m|h)", re.ASCII)


def read_duration(value: object, target: Any) -> None:
    """`1.5s` into a Duration. Raises Misread, with the same time as Envoy wants it when that can be told."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Misread(
            f"expected a duration such as 1.5s, found {described(value)}",
            suggestion=_duration_hint(value),
            code=problem.MALFORMED if isinstance(value, str) else problem.WRONG_TYPE,
        )
    sign = -1 if found[1] else 1
    seconds, nanos = int(found[2]), int((found[3] or "").ljust(9, "0"))
    if seconds > DURATION_LIMIT_S or (seconds == DURATION_LIMIT_S and nanos):
        raise Misread(f"{value} is out of range: at most {DURATION_LIMIT_S}s", code=problem.OUT_OF_RANGE)
    target.seconds, target.nanos = sign * seconds, sign * nanos


def _duration_hint(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"write {value:g}s for {value:g} seconds"
    found = _OTHER_DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return "a number of seconds and the letter s"
    nanos = round(float(found[1]) * _UNITS_IN_NANOS[found[2]])
    seconds = f"{nanos // 10**9}.{nanos % 10**9:09d}".rstrip("0").rstrip(".")
    return f"write {seconds}s"


def read_timestamp(value: object, target: Any) -> None:
    """RFC 3339 into a Timestamp. Raises Misread."""
    _from_string(value, target, "a time such as 2030-01-31T10:00:00Z")


def read_field_mask(value: object, target: Any) -> None:
    """`user.displayName,photo` into a FieldMask. Raises Misread."""
    _from_string(value, target, "field names in one string, separated by commas")


def _from_string(value: object, target: Any, expected: str) -> None:
    if not isinstance(value, str):
        raise Misread(f"expected {expected}, found {described(value)}")
    try:
        target.FromJsonString(value)
    except ValueError as error:
        raise Misread(f"expected {expected}, found {described(value)}", code=problem.MALFORMED) from error


READERS: dict[str, Callable[[object, Any], None]] = {
    "google.protobuf.Duration": read_duration,
    "google.protobuf.Timestamp": read_timestamp,
    "google.protobuf.FieldMask": read_field_mask,
}
