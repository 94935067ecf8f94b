"""Which group a node belongs to.  A hook, so that certificates can decide instead of what a client says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from xds.protocol.requests import Node
from xds.protocol.types import GroupName

AuthContext = Mapping[str, Iterable[bytes]]
Identify = Callable[[Node, AuthContext], GroupName]
"""(node, what TLS proved) -> its group. Raises api.errors.Denied, in words that may be told to the client."""

DEFAULT_GROUP = GroupName("default")


def by_cluster(node: Node, auth_context: AuthContext) -> GroupName:
    """Development: the group is what the client calls its cluster. Nothing is proved."""
    return GroupName(node.cluster) if node.cluster else DEFAULT_GROUP
