"""Responses of the core -> bytes, by joining pieces: an encoded protobuf is a concatenation of its fields.

A resource's body is handed over whole, behind a small frame; a response's fields are made once for every stream that
gets the same (`share_key`), and the nonce, the one field that differs, is appended. Field numbers are those of
envoy.service.discovery.v3; the tests hold the bytes against the real messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from xds.protocol.plan import ResourceError, Response
from xds.protocol.variant import Variant
from xds.protocol.wire import field, varint
from xds.transport.kept_bytes import KeptBytes

# Tags of length-delimited fields: number << 3 | 2.
_ANY_TYPE_URL, _ANY_VALUE = b"\x0a", b"\x12"
_RESOURCE_VERSION, _RESOURCE_ANY, _RESOURCE_NAME, _RESOURCE_ALIAS = b"\x0a", b"\x12", b"\x1a", b"\x22"
_VERSION, _RESOURCES, _TYPE_URL, _NONCE, _REMOVED = b"\x0a", b"\x12", b"\x22", b"\x2a", b"\x32"
_CONTROL_PLANE = {Variant.STATE_OF_THE_WORLD: b"\x32", Variant.DELTA: b"\x3a"}
_IDENTIFIER = b"\x0a"
_ERRORS = {Variant.STATE_OF_THE_WORLD: b"\x3a", Variant.DELTA: b"\x4a"}
_ERROR_RESOURCE, _ERROR_STATUS, _RESOURCE_NAME_NAME = b"\x0a", b"\x12", b"\x0a"
_STATUS_CODE, _STATUS_MESSAGE = b"\x08", b"\x12"  # the code is a varint

_RESOURCE_TTL = b"\x32"
_DURATION_SECONDS, _DURATION_NANOS = b"\x08", b"\x10"  # varints
RESOURCE_TYPE = "type.googleapis.com/envoy.service.discovery.v3.Resource"

FRAMES_KEPT = 65_536

Frame = Callable[[str, str, str, int, int], bytes]
"""Type URL, name, version, bytes of the body, milliseconds to live -> all of a resource that comes before its body."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A response's bytes. `fresh` is False when all but the nonce had been made for another stream."""

    data: bytes
    fresh: bool


class ResponseEncoder:
    """Makes and keeps the responses of one group; the least recently used go when they exceed `limit_bytes`.

    `keeps_frames`: what is around a body is kept as well, for the next client that is told it.
    """

    def __init__(self, limit_bytes: int, identifier: str = "", *, keeps_frames: bool = True) -> None:
        self._identifier = identifier
        self._kept = KeptBytes(limit_bytes)
        self._delta_frame = _kept_delta_frame if keeps_frames else _delta_frame

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
            body = encode_body(variant, response, self._identifier, self._delta_frame)
            self._kept.keep(key, body)
        return Encoded(body + field(_NONCE, response.nonce.encode()), fresh)


def encode_body(variant: Variant, response: Response, identifier: str = "", delta_frame: Frame | None = None) -> bytes:
    """All fields of a response but its nonce. `delta_frame`: what makes frames; otherwise they are kept."""
    pieces = [field(_VERSION, response.version.encode()), field(_TYPE_URL, response.type_url.encode())]
    pieces.extend(_framed(response, _state_frame if variant is not Variant.DELTA else delta_frame or _kept_delta_frame))
    if variant is Variant.DELTA:
        pieces.extend(_unresolved(name) for name in response.unresolved)
        pieces.extend(field(_REMOVED, name.encode()) for name in response.removed)
    pieces.extend(field(_ERRORS[variant], _error(error)) for error in response.errors)
    if identifier:
        pieces.append(field(_CONTROL_PLANE[variant], field(_IDENTIFIER, identifier.encode())))
    return b"".join(pieces)


def _error(error: ResourceError) -> bytes:
    """A ResourceError: `resource_name { name }` and `error_detail { code, message }`."""
    resource_name = field(_RESOURCE_NAME_NAME, error.name.encode())
    return field(_ERROR_RESOURCE, resource_name) + _error_detail(error.code, error.message)


@lru_cache(maxsize=64)
def _error_detail(code: int, message: str) -> bytes:
    """The same for every name of a type that a group does not have, and clients ask for thousands."""
    return field(_ERROR_STATUS, _STATUS_CODE + varint(code) + field(_STATUS_MESSAGE, message.encode()))


def _framed(response: Response, frame: Frame) -> Iterable[bytes]:
    aliases = dict(response.aliases)
    for resource in response.resources:
        ttl_ms = resource.ttl_ms if response.tells_ttl else 0
        told = (resource.type_url, resource.name, resource.version, len(resource.body), ttl_ms)
        yield _aliased_frame(*told, aliases[resource.name]) if resource.name in aliases else frame(*told)
        yield resource.body


def _unresolved(name: str) -> bytes:
    """A resource without a body, for a name that stands for none."""
    return field(_RESOURCES, field(_RESOURCE_NAME, name.encode()) + field(_RESOURCE_ALIAS, name.encode()))


def _delta_frame(type_url: str, name: str, version: str, size: int, ttl_ms: int) -> bytes:
    return _aliased_frame(type_url, name, version, size, ttl_ms, ())


_kept_delta_frame = lru_cache(maxsize=FRAMES_KEPT)(_delta_frame)


def _aliased_frame(type_url: str, name: str, version: str, size: int, ttl_ms: int, aliases: tuple[str, ...]) -> bytes:
    """All of `resources { … }` that comes before the value."""
    frame = _resource_frame(type_url, name, version, size, ttl_ms, aliases)
    return _RESOURCES + varint(len(frame) + size) + frame


def _resource_frame(
    type_url: str, name: str, version: str, size: int, ttl_ms: int, aliases: tuple[str, ...] = ()
) -> bytes:
    """All of a Resource, `name, version, aliases, ttl, resource { type_url, value }`, that comes before the value.

    A heartbeat has a time to live and no body, and then there is no `resource` at all.
    """
    frame = field(_RESOURCE_NAME, name.encode()) + field(_RESOURCE_VERSION, version.encode())
    frame += b"".join(field(_RESOURCE_ALIAS, alias.encode()) for alias in aliases)
    if ttl_ms:
        frame += field(_RESOURCE_TTL, _duration(ttl_ms))
    return frame if ttl_ms and not size else frame + _any_frame(_RESOURCE_ANY, type_url, size)


def _any_frame(tag: bytes, type_url: str, size: int) -> bytes:
    """All of `tag { type_url, value }` that comes before the value."""
    frame = field(_ANY_TYPE_URL, type_url.encode()) + _ANY_VALUE + varint(size)
    return tag + varint(len(frame) + size) + frame


@lru_cache(maxsize=1024)
def _state_frame_of_size(type_url: str, size: int) -> bytes:
    return _any_frame(_RESOURCES, type_url, size)


def _state_frame(type_url: str, name: str, version: str, size: int, ttl_ms: int) -> bytes:
    """All of `resources { type_url, value }` that comes before the value; name and version are inside the body.

    What has a time to live is wrapped in a Resource, that being where it can be said.
    """
    if not ttl_ms:
        return _state_frame_of_size(type_url, size)
    wrapped = _resource_frame(type_url, name, version, size, ttl_ms)
    return _any_frame(_RESOURCES, RESOURCE_TYPE, len(wrapped) + size) + wrapped


def _duration(milliseconds: int) -> bytes:
    """A google.protobuf.Duration."""
    seconds, rest = divmod(milliseconds, 1000)
    parts = ((_DURATION_SECONDS, seconds), (_DURATION_NANOS, rest * 1_000_000))
    return b"".join(tag + varint(number) for tag, number in parts if number)
