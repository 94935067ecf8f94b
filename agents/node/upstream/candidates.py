"""Whose turn it is among the upstreams, and how long its first answer may take. No I/O, no clock, no random.

They are tried in the order given. Whoever is refused goes to the next; who is served long enough and then loses its
stream begins with the first again, because that one is preferred.
"""

from __future__ import annotations

FIRST_ANSWER_S = 10.0
LONGEST_ANSWER_S = 300.0
"""A group that nobody has published is answered nothing: with every round in vain, asking around becomes rarer."""


class Candidates:
    """By number, from 0."""

    def __init__(self, count: int) -> None:
        self.current = 0
        self._count = count
        self._rounds_in_vain = 0

    @property
    def answer_within_s(self) -> float:
        """How long the current one may take until it says the first thing."""
        return min(FIRST_ANSWER_S * (1 << self._rounds_in_vain), LONGEST_ANSWER_S)

    def answered(self) -> None:
        """The current one serves."""
        self._rounds_in_vain = 0

    def failed(self) -> bool:
        """The current one is of no use now. Returns whether that ended a round: all have been asked."""
        self.current = (self.current + 1) % self._count
        if self.current:
            return False
        self._rounds_in_vain += self.answer_within_s < LONGEST_ANSWER_S
        return True

    def lost(self) -> None:
        """The current one served, and is gone."""
        self.current = 0

    def take(self, number: int) -> None:
        """An earlier one is there again."""
        self.current = number
