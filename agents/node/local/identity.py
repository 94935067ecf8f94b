"""Who the agent is to its upstream: its Envoy, as that says it of itself, and what an agent can do besides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from agents.node.lineage import metadata
from api.hosting.version import version
from xds.protocol.features import RESOURCE_TTL, REVISION
from xds.protocol.requests import Node
from xds.protocol.types import GroupName

# A resource with a time to live has it in its version, so an agent must be told of it, whatever its Envoy understands.
_FEATURES = (RESOURCE_TTL, REVISION)


@dataclass(frozen=True, slots=True)
class Identity:
    """Of one agent. `labels` stand in for the metadata of an Envoy that has not said its own."""

    node_id: str
    group: GroupName
    region: str = ""
    zone: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    def node(self, envoy: Node | None, relays: Collection[str] = ()) -> Node:
        """What upstream is told. `envoy`: what the own Envoy says of itself; None while there is none. `relays`: who
        takes its configuration by way of this agent."""
        said = envoy or Node(
            self.node_id,
            self.group,
            f"fairlead-agent/{version()}",
            self.region,
            self.zone,
            metadata=dict(self.labels),
        )
        features = (*said.client_features, *(one for one in _FEATURES if one not in said.client_features))
        known = {**said.metadata, **metadata(self.node_id, relays)}
        return replace(said, id=self.node_id, cluster=self.group, client_features=features, metadata=known)
