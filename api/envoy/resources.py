"""What Envoy's resources are called, and which others they name. What of that exists is not known here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from api.envoy.messages import child_fields, children
from api.envoy.problem import DEPTH_LIMIT
from api.envoy.reference_fields import (
    CLUSTER,
    CONFIG_SOURCE,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    RUNTIME,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
    Extract,
    ResourceReference,
    extracts,
)
from api.envoy.registry import EnvoyApi, type_url_of
from api.errors import InvalidConfig

# The field that has a resource's name, by type URL.
NAME_FIELDS: dict[str, str] = {
    CLUSTER: "name",
    ENDPOINT: "cluster_name",
    EXTENSION: "name",
    LISTENER: "name",
    ROUTE: "name",
    RUNTIME: "name",
    SCOPED_ROUTE: "name",
    SECRET: "name",
    VIRTUAL_HOST: "name",
}


def resource_name(message: Message) -> str:
    """The name under which a client asks for `message`. Raises InvalidConfig for a type that is no xDS resource."""
    field = NAME_FIELDS.get(type_url_of(message))
    if field is None:
        kinds = ", ".join(sorted(url.rpartition(".")[2] for url in NAME_FIELDS))
        raise InvalidConfig(f"{message.DESCRIPTOR.full_name} is no resource that Envoy asks for; it asks for {kinds}")
    return str(getattr(message, field))


def aliases(message: Any) -> tuple[str, ...]:
    """What `message` is asked for by beside its name, each once, sorted: a virtual host by the hosts that it serves.

    Envoy takes a virtual host called `<route configuration>/<anything>` and asks for `<route configuration>/<host>`;
    its domains say which, some with a `*` at one end. Without a `/` in its name nobody can ask for it.
    """
    if type_url_of(message) != VIRTUAL_HOST:
        return ()
    route, slash, _ = message.name.rpartition("/")
    return tuple(sorted({f"{route}/{domain.lower()}" for domain in message.domains})) if slash else ()


def references(api: EnvoyApi, message: Message) -> tuple[ResourceReference, ...]:
    """Every resource that `message` names, each once, sorted; Anys are looked into, those of unknown types are not."""
    found = set(_walker(api).references(message, 1))
    return tuple(sorted(reference for reference in found if reference.name))


@lru_cache(maxsize=4)
def _walker(api: EnvoyApi) -> _Walker:
    return _Walker(api)


@dataclass(frozen=True, slots=True)
class _Type:
    """What one message type offers: its own references, and the numbers of the fields to look into."""

    extracts: tuple[Extract, ...]
    descend: frozenset[int]


class _Walker:
    """Looks through messages of one API; what a type offers is found out once."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
        self._types: dict[str, _Type] = {}

    def references(self, message: Any, depth: int) -> Iterator[ResourceReference]:
        known = self._type(message.DESCRIPTOR)
        for extract in known.extracts:
            yield from extract(message)
        if depth >= DEPTH_LIMIT:
            return
        for _, child in children(self._api, message, known.descend):
            yield from self.references(child, depth + 1)

    def _type(self, descriptor: Descriptor) -> _Type:
        known = self._types.get(descriptor.full_name)
        if known is None:
            # Where a gateway finds its management server is its own affair, and no reference of the resource.
            fields = child_fields(descriptor, skip=frozenset({CONFIG_SOURCE}))
            known = self._types[descriptor.full_name] = _Type(extracts(descriptor), fields)
        return known
