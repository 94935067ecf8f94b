"""How often a caller may change endpoints: a bucket of tokens each, refilled at a steady rate. Time is given.

It bounds what one runaway program costs the store; it is no fair share, and it is kept by each server for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from api.errors import Finding, RateExceeded
from snapshots import codes

CHANGES_PER_S: Final = 500.0
BURST: Final = 1000.0
# More callers than anybody has; whoever is forgotten begins with a full bucket.
CALLERS_KEPT: Final = 4096


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Rates:
    """The buckets of all callers, by what is proved of them or by where they call from."""

    def __init__(self, per_s: float = CHANGES_PER_S, burst: float = BURST) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, now_s: float) -> None:
        """Count one change. Raises RateExceeded, which says how long to wait, when the caller has no token left."""
        bucket = self._buckets.setdefault(caller, _Bucket(self._burst, now_s))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > CALLERS_KEPT:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        if bucket.tokens < 1:
            raise _too_fast(self._per_s, (1 - bucket.tokens) / self._per_s)
        bucket.tokens -= 1


def _too_fast(per_s: float, retry_after_s: float) -> RateExceeded:
    message = (
        f"more than {per_s:g} changes of endpoints a second from one caller; nothing was stored: try again in "
        f"{retry_after_s:.3f} s, or put several changes into one request"
    )
    finding = Finding(code=codes.RATE_EXCEEDED, message=message)
    return RateExceeded(message, findings=(finding,), retry_after_s=retry_after_s)
