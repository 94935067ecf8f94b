"""What all local clients want together, by type: everything, and names. Counted by member, so nobody takes another's.

What a member wanted can outlive it for a time that is given: a client that restarts shall not cost its names upstream.
No clock here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Set

from xds.protocol.interest import WILDCARD
from xds.protocol.types import TypeUrl

NOTHING: frozenset[str] = frozenset()


class Wants:
    """Names, and `*` among them for everything. A member is whatever stands for a client: a stream's number, say."""

    def __init__(self) -> None:
        self._members: dict[Hashable, dict[TypeUrl, frozenset[str]]] = {}
        self._leaving: dict[Hashable, float] = {}
        self._counts: dict[TypeUrl, Counter[str]] = {}
        self._changed: dict[TypeUrl, set[str]] = {}

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(names)} of {url.rpartition('.')[2]}" for url, names in self._counts.items())
        return f"<Wants of {len(self._members)} members: {counts or 'nothing'}>"

    def put(self, member: Hashable, type_url: TypeUrl, wildcard: bool, names: Set[str]) -> None:
        """A member wants this of a type from now on, and nothing else of it. O(its names).

        `wildcard`: everything, whether it was said by `*` or by the old habit of naming nothing.
        """
        self._leaving.pop(member, None)
        wish = frozenset(names) | {WILDCARD} if wildcard else frozenset(names)
        types = self._members.setdefault(member, {})
        before = types.get(type_url, NOTHING)
        if wish:
            types[type_url] = wish
        else:
            types.pop(type_url, None)
        self._count(type_url, wish - before, before - wish)

    def leave(self, member: Hashable, until_s: float | None = None) -> None:
        """The member is gone. Its names count until then, on the clock of `expire`; None: no longer."""
        if until_s is not None and member in self._members:
            self._leaving[member] = until_s
            return
        self._leaving.pop(member, None)
        for type_url, names in self._members.pop(member, {}).items():
            self._count(type_url, NOTHING, names)

    def expire(self, now_s: float) -> None:
        """The names of members that left count no more once their time is over."""
        for member in [member for member, until_s in self._leaving.items() if until_s <= now_s]:
            self.leave(member)

    @property
    def expires_at_s(self) -> float | None:
        """When `expire` is to be called next."""
        return min(self._leaving.values(), default=None)

    @property
    def types(self) -> tuple[TypeUrl, ...]:
        """Those of which anything is wanted."""
        return tuple(self._counts)

    def names(self, type_url: TypeUrl) -> Set[str]:
        """All that is wanted of a type, `*` included. A view: it moves."""
        return self._counts[type_url].keys() if type_url in self._counts else NOTHING

    def take_changed(self) -> Mapping[TypeUrl, Set[str]]:
        """What came to be wanted, or is wanted no more, since this was last asked; some of it may be as it was."""
        changed, self._changed = self._changed, {}
        return changed

    def _count(self, type_url: TypeUrl, added: Set[str], dropped: Set[str]) -> None:
        if not (added or dropped):
            return
        counts = self._counts.setdefault(type_url, Counter())
        changed = {name for name in added if not counts[name]}
        counts.update(added)
        for name in dropped:
            counts[name] -= 1
            if not counts[name]:
                del counts[name]
                changed.add(name)
        if changed:
            self._changed.setdefault(type_url, set()).update(changed)
        if not counts:
            del self._counts[type_url]
