"""The two variants of the xDS transport."""

from __future__ import annotations

from enum import Enum


class Variant(Enum):
    """Incremental (delta) or state of the world; one stream speaks one of them."""

    DELTA = "delta"
    STATE_OF_THE_WORLD = "state-of-the-world"
