"""What a client says of itself in its node's `client_features`.  Envoy API: "Well Known Client Features"."""

from __future__ import annotations

from xds.protocol.requests import Node
from xds.protocol.variant import Variant

RESOURCE_TTL = "xds.config.supports-resource-ttl"
RESOURCE_IN_SOTW = "xds.config.resource-in-sotw"
_WRAPPED = frozenset({RESOURCE_IN_SOTW, "xds.config.supports-resource-in-sotw"})
"""One feature: Envoy's list of features, which clients follow, has the first name, its protocol document the other."""

REVISION = "fairlead.dev/revision"
"""Our own: the client is told with each incremental response which revision it is of."""


def takes_ttl(node: Node, variant: Variant) -> bool:
    """Whether resources may go for a time only. In the state of the world this needs a wrapper around them as well."""
    features = node.client_features
    return RESOURCE_TTL in features and (variant is Variant.DELTA or not _WRAPPED.isdisjoint(features))


def takes_revision(node: Node, variant: Variant) -> bool:
    """Whether `system_version_info` is `REVISION@VERSION`. There is no such field in the state of the world."""
    return REVISION in node.client_features and variant is Variant.DELTA
