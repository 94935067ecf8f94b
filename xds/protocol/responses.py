"""The two variants of the protocol: they differ in what responses carry, and nowhere else."""

from __future__ import annotations

from xds.protocol.delta_responses import DeltaResponses
from xds.protocol.state_responses import StateResponses
from xds.protocol.variant import Variant

Responses = DeltaResponses | StateResponses
BY_VARIANT: dict[Variant, type[DeltaResponses] | type[StateResponses]] = {
    Variant.DELTA: DeltaResponses,
    Variant.STATE_OF_THE_WORLD: StateResponses,
}
