"""Responses of the core -> bytes, by joining pieces: an encoded protobuf is a concatenation of its fields.

A resource's body is handed over whole, behind a small frame; a response's fields are made once for every stream that
gets the same (`share_key`), and the nonce, the one field that differs, is appended. Field numbers are those of
envoy.service.discovery.v3; the tests hold the bytes against the real messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from xds.protocol.plan import ResourceError, Response
from xds.protocol.variant import Variant
from xds.server.kept_bytes import KeptBytes

# Tags of length-delimited fields: number << 3 | 2.
_ANY_TYPE_URL, _ANY_VALUE = b"\x0a", b"\x12"
_RESOURCE_VERSION, _RESOURCE_ANY, _RESOURCE_NAME, _RESOURCE_ALIAS = b"\x0a", b"\x12", b"\x1a", b"\x22"
_VERSION, _RESOURCES, _TYPE_URL, _NONCE, _REMOVED = b"\x0a", b"\x12", b"\x22", b"\x2a", b"\x32"
_CONTROL_PLANE = {Variant.STATE_OF_THE_WORLD: b"\x32", Variant.DELTA: b"\x3a"}
_IDENTIFIER = b"\x0a"
_ERRORS = {Variant.STATE_OF_THE_WORLD: b"\x3a", Variant.DELTA: b"\x4a"}
_ERROR_RESOURCE, _ERROR_STATUS, _RESOURCE_NAME_NAME = b"\x0a", b"\x12", b"\x0a"
_STATUS_CODE, _STATUS_MESSAGE = b"\x08", b"\x12"  # the code is a varint

FRAMES_KEPT = 65_536


@dataclass(frozen=True, slots=True)
class Encoded:
    """A response's bytes. `fresh` is False when all but the nonce had been made for another stream."""

    data: bytes
    fresh: bool


class ResponseEncoder:
    """Makes and keeps the responses of one group; the least recently used go when they exceed `limit_bytes`."""

    def __init__(self, limit_bytes: int, identifier: str = "") -> None:
        self._identifier = identifier
        self._kept = KeptBytes(limit_bytes)

    @property
    def kept_bytes(self) -> int:
        """Bytes of all that is kept."""
        return self._kept.size_bytes

    def encode(self, variant: Variant, response: Response) -> Encoded:
        """A DiscoveryResponse or DeltaDiscoveryResponse, serialised."""
        key = (variant is Variant.DELTA, response.share_key)  # an Enum's hash is slow
        body = self._kept.get(key)
        fresh = body is None
        if body is None:
            body = encode_body(variant, response, self._identifier)
            self._kept.keep(key, body)
        return Encoded(body + _field(_NONCE, response.nonce.encode()), fresh)


def encode_body(variant: Variant, response: Response, identifier: str = "") -> bytes:
    """All fields of a response but its nonce."""
    pieces = [_field(_VERSION, response.version.encode()), _field(_TYPE_URL, response.type_url.encode())]
    pieces.extend(_framed(variant, response))
    if variant is Variant.DELTA:
        pieces.extend(_unresolved(name) for name in response.unresolved)
        pieces.extend(_field(_REMOVED, name.encode()) for name in response.removed)
    pieces.extend(_field(_ERRORS[variant], _error(error)) for error in response.errors)
    if identifier:
        pieces.append(_field(_CONTROL_PLANE[variant], _field(_IDENTIFIER, identifier.encode())))
    return b"".join(pieces)


def _error(error: ResourceError) -> bytes:
    """A ResourceError: `resource_name { name }` and `error_detail { code, message }`."""
    status = _STATUS_CODE + _varint(error.code) + _field(_STATUS_MESSAGE, error.message.encode())
    resource_name = _field(_RESOURCE_NAME_NAME, error.name.encode())
    return _field(_ERROR_RESOURCE, resource_name) + _field(_ERROR_STATUS, status)


def _framed(variant: Variant, response: Response) -> Iterable[bytes]:
    frame = _delta_frame if variant is Variant.DELTA else _state_frame
    aliases = dict(response.aliases)
    for resource in response.resources:
        told = (resource.type_url, resource.name, resource.version, len(resource.body))
        yield _aliased_frame(*told, aliases[resource.name]) if resource.name in aliases else frame(*told)
        yield resource.body


def _unresolved(name: str) -> bytes:
    """A resource without a body, for a name that stands for none."""
    return _field(_RESOURCES, _field(_RESOURCE_NAME, name.encode()) + _field(_RESOURCE_ALIAS, name.encode()))


@lru_cache(maxsize=FRAMES_KEPT)
def _delta_frame(type_url: str, name: str, version: str, size: int) -> bytes:
    return _aliased_frame(type_url, name, version, size, ())


def _aliased_frame(type_url: str, name: str, version: str, size: int, aliases: tuple[str, ...]) -> bytes:
    """All of `resources { name, version, aliases, resource { type_url, value } }` that comes before the value."""
    any_frame = _field(_ANY_TYPE_URL, type_url.encode()) + _ANY_VALUE + _varint(size)
    frame = (
        _field(_RESOURCE_NAME, name.encode())
        + _field(_RESOURCE_VERSION, version.encode())
        + b"".join(_field(_RESOURCE_ALIAS, alias.encode()) for alias in aliases)
        + (_RESOURCE_ANY + _varint(len(any_frame) + size) + any_frame)
    )
    return _RESOURCES + _varint(len(frame) + size) + frame


@lru_cache(maxsize=1024)
def _state_frame_of_size(type_url: str, size: int) -> bytes:
    any_frame = _field(_ANY_TYPE_URL, type_url.encode()) + _ANY_VALUE + _varint(size)
    return _RESOURCES + _varint(len(any_frame) + size) + any_frame


def _state_frame(type_url: str, name: str, version: str, size: int) -> bytes:
    """All of `resources { type_url, value }` that comes before the value; name and version are inside the body."""
    return _state_frame_of_size(type_url, size)


def _field(tag: bytes, payload: bytes) -> bytes:
    return tag + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
