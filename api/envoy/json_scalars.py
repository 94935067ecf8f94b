"""One JSON value into one scalar of protobuf: what is taken, and what is said when it is not. No messages here.

What Envoy takes is taken: numbers and booleans in quotes too, names of enum values in any case.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from api.envoy import problem
from api.envoy.problem import did_you_mean, quoted

FLOAT_MAX = 3.4028234663852886e38
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
# The value itself is not told: bytes are where keys and passwords are.
_NOT_BASE64 = "expected base64, found a string that is none"
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Misread(Exception):
    """A value that a field does not take. The reader knows the path and makes a Problem of it."""

    def __init__(self, message: str, *, suggestion: str = "", code: str = problem.WRONG_TYPE) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion
        self.code = code


def described(value: object) -> str:
    """A value in words for a message: kind first, then the value when it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value:.20g}" if abs(value) < 1e20 else "a number"
    if isinstance(value, str):
        return f"the string {quoted(value, 40)}"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def read_scalar(field: FieldDescriptor, value: object) -> object:
    """`value` as protobuf takes it for `field`. Raises Misread."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_bytes(value)
    if field.enum_type is not None:
        return _read_enum(field.enum_type, value)
    return _READERS[field.cpp_type](value)


def read_map_key(field: FieldDescriptor, key: object) -> object:
    """A key of a JSON object as a map's key: strings as they are, numbers and booleans from their text."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and key in ("true", "false"):
        return key == "true"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING and isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    return read_scalar(field, key)


def _read_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise Misread(f"expected true or false, found {described(value)}", suggestion="write true or false")


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        scalar = isinstance(value, bool | int | float)
        raise Misread(f"expected a string, found {described(value)}", suggestion="put it in quotes" if scalar else "")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Misread("the string is not valid Unicode: half of a surrogate pair", code=problem.MALFORMED) from error
    return value


def _read_bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise Misread("expected base64 in a string")
    if not _BASE64.fullmatch(value):
        raise Misread(_NOT_BASE64, code=problem.MALFORMED)
    unpadded = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
    except binascii.Error as error:
        raise Misread(_NOT_BASE64, code=problem.MALFORMED) from error


def _integer_reader(bits: int, *, signed: bool) -> Callable[[object], int]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def read(value: object) -> int:
        number = _integer(value)
        if not low <= number <= high:
            raise Misread(f"{number} is out of range: {low} to {high}", code=problem.OUT_OF_RANGE)
        return number

    return read


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    number = float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value
    if isinstance(number, float) and number.is_integer():
        return int(number)
    raise Misread(f"expected a whole number, found {described(value)}")


def _read_double(value: object) -> float:
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return _NOT_FINITE[value]
        if _DECIMAL.fullmatch(value) and math.isfinite(float(value)):
            return float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise Misread("the number is out of range of a double", code=problem.OUT_OF_RANGE) from error
    raise Misread(f"expected a number, found {described(value)}")


def _read_float(value: object) -> float:
    number = _read_double(value)
    if math.isfinite(number) and abs(number) > FLOAT_MAX:
        raise Misread(f"{number} is out of range of a 32-bit float", code=problem.OUT_OF_RANGE)
    return number


def _read_enum(enum: EnumDescriptor, value: object) -> int:
    """A value by its name in any case, or by its number. An unknown number is taken: a newer Envoy may know it."""
    if enum.full_name == "google.protobuf.NullValue" and value is None:
        return 0
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        for name in (value, value.upper()):
            if name in enum.values_by_name:
                return int(enum.values_by_name[name].number)
        raise Misread(
            f"{quoted(value)} is not a value of {enum.full_name}",
            suggestion=did_you_mean(value.upper(), enum.values_by_name) or f"one of {', '.join(enum.values_by_name)}",
            code=problem.UNKNOWN_ENUM_VALUE,
        )
    if isinstance(value, bool | None):
        raise Misread(f"expected a value of {enum.full_name}, found {described(value)}")
    return _READERS[FieldDescriptor.CPPTYPE_INT32](value)  # type: ignore[return-value]


_READERS: dict[int, Callable[[object], object]] = {
    FieldDescriptor.CPPTYPE_INT32: _integer_reader(32, signed=True),
    FieldDescriptor.CPPTYPE_INT64: _integer_reader(64, signed=True),
    FieldDescriptor.CPPTYPE_UINT32: _integer_reader(32, signed=False),
    FieldDescriptor.CPPTYPE_UINT64: _integer_reader(64, signed=False),
    FieldDescriptor.CPPTYPE_DOUBLE: _read_double,
    FieldDescriptor.CPPTYPE_FLOAT: _read_float,
    FieldDescriptor.CPPTYPE_BOOL: _read_bool,
    FieldDescriptor.CPPTYPE_STRING: _read_string,
}
