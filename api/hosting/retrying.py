"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator

RETRY_FIRST_S, RETRY_LONGEST_S = 0.1, 5.0


def retry_delays() -> Iterator[float]:
    """Seconds, longer each time, and jittered, so that many servers do not come back at once."""
    longest = RETRY_FIRST_S
    while True:
        yield longest * random.uniform(0.5, 1.0)
        longest = min(2 * longest, RETRY_LONGEST_S)
