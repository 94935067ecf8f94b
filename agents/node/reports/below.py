"""A relay's: the nodes that it serves, as their own agents report to it, and orders on their way to them.

Reports go on as they came, with where the node stands as the relay's own streams say it; orders go to the agent of the
node, which decides for itself what it allows.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from api.nodes.orders import Order, OrderEnd
from api.nodes.report import NodeReport, Refusal, Standing
from xds.fleet import Fleet, NodeState, NodeStatus
from xds.transport.orders import OrderDesk


class Below(Protocol):
    """The nodes below a relay, and its own."""

    def own_standing(self) -> Standing | None:
        """Where the relay's own Envoy stands, whose verdicts are no part of the relay's; None where there is none."""

    def reports(self) -> Mapping[str, NodeReport]:
        """Of all nodes that are there now, by id."""

    def carry_out(self, order: Order) -> AsyncGenerator[bytes | OrderEnd, None]:
        """Raises FairleadError where the node cannot be asked."""


@dataclass(frozen=True, slots=True)
class ServedBelow:
    """Those that a server of this agent serves. `relay`: this agent's node; `local`: who takes from it on this host."""

    relay: str
    fleet: Fleet
    desk: OrderDesk
    local: Fleet = field(default_factory=Fleet)
    _known: dict[str, tuple[Hashable, NodeReport | None]] = field(default_factory=dict)

    def own_standing(self) -> Standing | None:
        own = self.local.node(self.relay)
        return standing_of(own) if own is not None else None

    def reports(self) -> Mapping[str, NodeReport]:
        known = {str(node): self._known_of(node, mark) for node, mark in self.fleet.marks() if node != self.relay}
        self._known.clear()
        self._known.update(known)
        return {node: report for node, (_, report) in known.items() if report is not None}

    def _known_of(self, node: str, mark: Hashable) -> tuple[Hashable, NodeReport | None]:
        """Made anew where it may be another: there are thousands, and this is asked twice a second."""
        known = self._known.get(node)
        if known is not None and known[0] == mark:
            return known
        status = self.fleet.node(node)
        return mark, self._report(status) if status is not None and _is_there(status) else None

    def carry_out(self, order: Order) -> AsyncGenerator[bytes | OrderEnd, None]:
        return self.desk.carry_out(order)

    def _report(self, node: NodeStatus) -> NodeReport:
        known = node.reported.report if node.reported is not None else NodeReport(node.id)
        placed = NodeReport(node.id, node.group, node.via or self.relay, standing=standing_of(node))
        return known.after(placed)


def _is_there(node: NodeStatus) -> bool:
    """Its Envoy takes configuration, or its agent at least says how it is."""
    return node.state is not NodeState.OFFLINE or (node.reported is not None and node.reported.connected)


def standing_of(node: NodeStatus) -> Standing | None:
    """None for one that takes nothing: there is nothing to wait for."""
    if node.state is NodeState.OFFLINE:
        return None
    rejections = (status.rejection for status in node.types if status.rejection is not None)
    refusals = tuple(Refusal(one.type_url, one.names, one.revision, one.code, one.message) for one in rejections)
    return Standing(node.revision, refusals)
