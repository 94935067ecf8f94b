"""The streams of one client that takes each type from a service of its own: what they know of each other. No I/O.

On ADS a session sees all types of its client. Without it each stream is a session of one type, and here they leave
word of how far they are, so that make before break holds across them (rule 24). It decides nothing, and knows no
stream: a member is whatever joined, and `freed` tells which of them to ask again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from xds.protocol.subscription import Subscription
from xds.protocol.types import CLUSTER

_WARMTH = "warmth"


class Word(NamedTuple):
    """What a member says of itself after each of its turns."""

    confirmed_to: int
    is_awaiting: bool
    is_removing: bool
    is_troubled: bool  # it was refused something, or withholds something


class Siblings:
    """O(1) for a member that says nothing new, O(members) when a new revision is served.

    `warming`: EDS names of clusters just sent -> how long routes and removals wait for their endpoints.
    """

    def __init__(self) -> None:
        self.warming: dict[str, float] = {}
        self._position = 0
        self._words: dict[Subscription, Word] = {}
        self._behind: dict[Subscription, None] = {}
        self._removing: dict[Subscription, None] = {}
        self._troubled: dict[Subscription, None] = {}
        self._waiting: dict[Hashable, dict[Hashable, None]] = {}  # what is waited for -> the members that do
        self._freed: dict[Hashable, None] = {}

    @property
    def behind(self) -> Iterator[Subscription]:
        """Those that are not known to have everything that the newest revision brought."""
        return iter(self._behind)

    @property
    def removing(self) -> Iterator[Subscription]:
        """Those that have removals to tell, or to hear an answer to."""
        return iter(self._removing)

    @property
    def troubled(self) -> Iterator[Subscription]:
        """Those that were refused something, or withhold something."""
        return iter(self._troubled)

    @property
    def take_more_than_clusters(self) -> bool:
        """Whether anything could wait for a cluster to be warm."""
        return any(one.type.url != CLUSTER for one in self._words)

    def reach(self, position: int) -> None:
        """A revision came at this position: all are behind until they say otherwise."""
        if position > self._position:
            self._position = position
            self._behind = dict.fromkeys(self._words)

    def hear(self, one: Subscription, *, is_removing: bool) -> None:
        """The word of a member after its turn. Its first makes it one."""
        word = Word(one.confirmed_to, bool(one.awaiting), is_removing, bool(one.rejected or one.withheld))
        if not self.warming:
            self._free(_WARMTH)
        if word == self._words.get(one):
            return
        self._words[one] = word
        _put(self._behind, one, one.confirmed_to < self._position)
        _put(self._removing, one, word.is_removing)
        _put(self._troubled, one, word.is_troubled)
        self._free(one)

    def leave(self, one: Subscription) -> None:
        """Its stream has ended: nobody waits for it any more."""
        for known in (self._words, self._behind, self._removing, self._troubled):
            known.pop(one, None)
        self._free(one)

    def wait_for(self, blocker: Subscription | None, member: Hashable) -> None:
        """`freed` gives `member` when `blocker` says something new; None: when nothing is warming any more."""
        self._waiting.setdefault(_WARMTH if blocker is None else blocker, {})[member] = None

    def freed(self) -> tuple[Hashable, ...]:
        """Members to ask again, each once."""
        freed, self._freed = tuple(self._freed), {}
        return freed

    def _free(self, blocker: Hashable) -> None:
        self._freed.update(dict.fromkeys(self._waiting.pop(blocker, ())))


@dataclass(frozen=True, slots=True)
class Membership:
    """One member's view of its siblings. `member` is whatever the edge knows it by."""

    siblings: Siblings
    member: Hashable

    def wait_for(self, blocker: Subscription | None) -> None:
        """See `Siblings.wait_for`."""
        self.siblings.wait_for(blocker, self.member)

    def troubled(self) -> tuple[Subscription, ...]:
        """Those whose rejections count for this member too; it is asked again when they say something new."""
        found = tuple(self.siblings.troubled)
        for one in found:
            self.wait_for(one)
        return found


def _put(known: dict[Subscription, None], one: Subscription, belongs: bool) -> None:
    if belongs:
        known[one] = None
    else:
        known.pop(one, None)
