"""Who takes its configuration from whom, so that nobody takes it from itself, however far around. No I/O here.

A relay tells its upstream, in its node's metadata, which relays are below it, itself included. Whoever finds its own
name there is asked by one that it takes from, and says no: that ends every circle, whoever came first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import islice

from xds.protocol.requests import Node

RELAYS = "fairlead.dev/relays"
TOLD_LIMIT = 200
"""Relays that one relay tells of, itself first; a circle through the others is found by one that has fewer."""


def metadata(own: str, relays: Collection[str]) -> Mapping[str, object]:
    """What the agent `own` says of itself and of those below it; nothing if it is no relay."""
    told = [own, *sorted(set(relays) - {own})][:TOLD_LIMIT]
    return {RELAYS: told} if relays else {}


def relays_of(node: Node) -> frozenset[str]:
    """The relays that a client says it stands for: itself and those below it. None for one that is no relay."""
    told = node.metadata.get(RELAYS)
    if not isinstance(told, list):
        return frozenset()
    return frozenset(one for one in islice(told, TOLD_LIMIT) if isinstance(one, str))


def circle(own: str, node: Node) -> str:
    """Why the client cannot be served by the relay `own`, or nothing."""
    if own not in relays_of(node):
        return ""
    if node.id == own:
        return f"{own} asks itself: an agent's own relay_address cannot be among its relays"
    return f"{own} takes its configuration from {node.id}, which asks it for the same: that is a circle"
