"""The streams of one client that takes each type from a service of its own: what they know of each other. No I/O.

On ADS a session sees all types of its client. Without it each stream is a session of one type, and here they leave
word of how far they are, so that make before break holds across them (rule 24). It decides nothing, and knows no
stream: a member is whatever joined, and `freed` tells which of them to ask again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from xds.protocol.subscription import Subscription
from xds.protocol.types import CLUSTER, TypeUrl

_WARMTH = "warmth"
_ByType = dict[TypeUrl, dict[Subscription, None]]  # a client may have thousands of one type, and few of the others


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
        self._behind: _ByType = {}
        self._removing: _ByType = {}
        self._troubled: dict[Subscription, None] = {}
        self._waiting: dict[Hashable, dict[Hashable, None]] = {}  # what is waited for -> the members that do
        self._freed: dict[Hashable, None] = {}

    def behind(self, types: Callable[[TypeUrl], bool]) -> Iterator[Subscription]:
        """Those of some types that are not known to have everything that the newest revision brought."""
        return _of(self._behind, types)

    def removing(self, types: Callable[[TypeUrl], bool]) -> Iterator[Subscription]:
        """Those of some types that have removals to tell, or to hear an answer to."""
        return _of(self._removing, types)

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
            self._behind = {}
            for one in self._words:
                _put(self._behind, one, True)

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
        self._troubled.pop(one, None)
        if word.is_troubled:
            self._troubled[one] = None
        self._free(one)

    def leave(self, one: Subscription) -> None:
        """Its stream has ended: nobody waits for it any more."""
        self._words.pop(one, None)
        self._troubled.pop(one, None)
        for known in (self._behind, self._removing):
            _put(known, one, False)
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


def _put(known: _ByType, one: Subscription, belongs: bool) -> None:
    if belongs:
        known.setdefault(one.type.url, {})[one] = None
    else:
        known.get(one.type.url, {}).pop(one, None)


def _of(known: _ByType, types: Callable[[TypeUrl], bool]) -> Iterator[Subscription]:
    return (one for type_url, members in known.items() if types(type_url) for one in members)
