"""What a body refers to, and what else it is asked for by: derived, never kept and never sent."""

from __future__ import annotations

from agents.node.generations.generation import Relate, Relations
from api.envoy.registry import EnvoyApi
from api.envoy.resources import aliases, references
from api.errors import InvalidConfig
from xds.protocol.resource import Reference
from xds.protocol.types import BY_URL, TypeUrl

NOTHING = Relations()


def relations_in(api: EnvoyApi) -> Relate:
    """Looks into bodies. What is unknown here, or no message at all, has none: Envoy judges that."""

    def relate(type_url: TypeUrl, body: bytes) -> Relations:
        if not body or not api.knows(type_url):
            return NOTHING
        try:
            message = api.parse(type_url, body)
        except InvalidConfig:
            return NOTHING
        found = tuple(Reference(known_type(one.type_url), one.name) for one in references(api, message))
        return Relations(found, aliases(message))

    return relate


def known_type(url: str) -> TypeUrl:
    """The one string of each type: there are thousands of references."""
    row = BY_URL.get(TypeUrl(url))
    return row.url if row is not None else TypeUrl(url)
