"""Which requests a stream takes at all: the node, the type URL and the caps. Words for whoever debugs that client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from xds.protocol.plan import Close
from xds.protocol.requests import Node
from xds.protocol.splitting import RESPONSE_LIMIT_BYTES
from xds.protocol.types import TypeUrl

NAMES_LIMIT = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`patience_s`: how long a silent type may hold back others. `names`: subscribed on one stream, over all types."""

    names: int = NAMES_LIMIT
    response_bytes: int = RESPONSE_LIMIT_BYTES
    patience_s: float = 5.0


class Introduces(Protocol):
    """A request of any kind."""

    @property
    def node(self) -> Node | None: ...


def refuse_node(known: Node | None, request: Introduces) -> Close | None:
    """The node is in the first message; a different id or cluster later is an error (rule 7)."""
    said = request.node
    if known is None:
        if said is None or not said.id:
            return _invalid(
                "the first request of a stream must carry a node with an id; "
                "set node.id in the bootstrap (or --service-node)"
            )
        return None
    if said is None or not (said.id or said.cluster) or (said.id, said.cluster) == (known.id, known.cluster):
        return None
    return _invalid(
        f"this stream belongs to node {known.id!r} of cluster {known.cluster!r}, and a request on it says "
        f"{said.id!r} of {said.cluster!r}; open a new stream for another node"
    )


def refuse_type(type_url: TypeUrl, only_type: TypeUrl | None) -> Close | None:
    """A type that nobody here knows is taken: the group simply has nothing of it (docs/xds.md)."""
    if only_type is not None and type_url != only_type:
        return _invalid(f"this service serves {only_type} only, and the request says {type_url}; use ADS for it")
    prefix, slash, name = type_url.rpartition("/")
    if not (prefix and slash and name):
        return _invalid(
            f"type_url {type_url!r} is not a type URL; expected type.googleapis.com/ and a message's full name, "
            "such as type.googleapis.com/envoy.config.cluster.v3.Cluster"
        )
    return None


def refuse_names(count: int, limit: int) -> Close | None:
    """A cap on what one client makes the server remember."""
    if count <= limit:
        return None
    message = f"this stream subscribes to {count} names and {limit} are allowed; subscribe to * or raise the limit"
    return Close("RESOURCE_EXHAUSTED", message)


def _invalid(message: str) -> Close:
    return Close("INVALID_ARGUMENT", message)
