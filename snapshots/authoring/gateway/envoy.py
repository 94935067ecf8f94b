"""Making Envoy messages: fields are given as Envoy writes them, typed configurations packed. No Gateway API here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from api.envoy.deterministic import serialize
from api.envoy.registry import EnvoyApi, type_url_of
from api.envoy.resources import references, resource_name
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import TypeUrl
from xds.protocol.wire import field, varint

# A message's fields: texts, numbers, lists, messages or mappings of the same.
Fields = Mapping[str, Any]

# A cluster that is never there: Envoy answers for it with the code that the route names (500).
NO_BACKEND = "fairlead/no-backend"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_LENGTH_DELIMITED = 2  # how protobuf writes a message inside another
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


@dataclass(frozen=True, slots=True)
class Part:
    """A message inside a resource: its canonical bytes, and what it refers to."""

    body: bytes
    references: tuple[Reference, ...]


class Messages:
    """Makes messages of one Envoy API."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api

    def make(self, full_name: str, fields: Fields) -> Any:
        """The message `full_name` with `fields`. Raises ValueError or TypeError for a field that is none: a defect."""
        return self._api.message_class(full_name)(**fields)

    def packed(self, full_name: str, fields: Fields | None = None) -> dict[str, Any]:
        """The fields of a google.protobuf.Any that holds the message, in canonical bytes."""
        message = self.make(full_name, fields or {})
        return {"type_url": type_url_of(message), "value": serialize(self._api, message)}

    def extension(self, name: str, full_name: str, fields: Fields | None = None) -> dict[str, Any]:
        """The fields of a TypedExtensionConfig, a filter or a transport socket: a name and its configuration."""
        return {"name": name, "typed_config": self.packed(full_name, fields)}

    def resource(self, full_name: str, fields: Fields) -> Resource:
        """An xDS resource with its name, canonical bytes and references."""
        message = self.make(full_name, fields)
        part = self._part(message)
        return Resource.of(TypeUrl(type_url_of(message)), resource_name(message), part.body, part.references)

    def part(self, full_name: str, fields: Fields) -> Part:
        """A message that resources take over as it is."""
        return self._part(self.make(full_name, fields))

    def _part(self, message: Message) -> Part:
        found = tuple(
            Reference(TypeUrl(each.type_url), each.name)
            for each in references(self._api, message)
            if each.name != NO_BACKEND
        )
        return Part(serialize(self._api, message), found)

    def holding(self, full_name: str, fields: Fields, repeated: str, parts: Iterable[Part]) -> Part:
        """A message of `fields`, and of parts that it takes over as they are in its field `repeated`."""
        before, after = self.make(full_name, fields), self.make(full_name, fields)
        number = before.DESCRIPTOR.fields_by_name[repeated].number
        for each, _ in self.make(full_name, fields).ListFields():
            (before if each.number > number else after).ClearField(each.name)
        tag = varint(number << 3 | _LENGTH_DELIMITED)
        found = [(field(tag, each.body), each.references) for each in parts]
        body = b"".join([each for each, _ in found])
        named = {reference: None for _, references in found for reference in references}
        return Part(serialize(self._api, before) + body + serialize(self._api, after), tuple(sorted(named)))


def duration(seconds: float) -> dict[str, int]:
    """The fields of a google.protobuf.Duration."""
    whole = int(seconds)
    return {"seconds": whole, "nanos": round((seconds - whole) * 1e9)}


# Where Envoy asks for what a resource refers to: the stream on which the resource came.
ADS: dict[str, Any] = {"ads": {}, "resource_api_version": "V3"}
