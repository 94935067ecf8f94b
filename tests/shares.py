"""How many of so many requests a backend gets by its weight, where each is drawn by itself: bounds for tests."""

from __future__ import annotations

from math import comb

# A right implementation is found outside less than once in a thousand million runs.
RISK = 1e-9


def likely(asked: int, part: float, risk: float = RISK) -> range:
    """The counts that a share of `part` (0 to 1) gets of `asked` draws, but for half of `risk` at either end."""
    chances = [comb(asked, count) * part**count * (1 - part) ** (asked - count) for count in range(asked + 1)]
    least, most = 0, asked
    while sum(chances[: least + 1]) < risk / 2:
        least += 1
    while sum(chances[most:]) < risk / 2:
        most -= 1
    return range(least, most + 1)
