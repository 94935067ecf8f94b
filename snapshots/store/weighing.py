"""What a publication weighs against what was there, for its budgets. Pure."""

from __future__ import annotations

from snapshots.checks.budgets import Weighing, Weight
from snapshots.store.compose import Composition, GroupState
from snapshots.store.holding import Holding
from snapshots.store.protocol import Publication


def weighed(before: GroupState, composition: Composition, publication: Publication) -> Weighing:
    """A publication as budgets see it."""
    workspace = publication.workspace
    weights = {name: holding.weight for name, holding in composition.state.held().items()}
    whole = Weight(
        sum(weight.resources for weight in weights.values()), sum(weight.size_bytes for weight in weights.values())
    )
    was = before.held().get(workspace, Holding()).weight
    return Weighing(workspace, was, weights[workspace], composition.removed, publication.group, whole)
