"""What a publication weighs against what was there, for its budgets. Pure; costs a pass over the group's resources."""

from __future__ import annotations

from snapshots.checks.budgets import Weighing, Weight
from snapshots.store.compose import Composition, GroupState
from snapshots.store.holding import Holding
from snapshots.store.protocol import Publication


def weighed(before: GroupState, composition: Composition, publication: Publication) -> Weighing:
    """A publication as budgets see it."""
    workspace = publication.workspace
    holdings = composition.state.held()
    weights = {name: Weight.of(holding.resources.values()) for name, holding in holdings.items()}
    whole = Weight(
        sum(weight.resources for weight in weights.values()), sum(weight.size_bytes for weight in weights.values())
    )
    was = Weight.of(before.held().get(workspace, Holding()).resources.values())
    return Weighing(workspace, was, weights[workspace], composition.removed, publication.group, whole)
