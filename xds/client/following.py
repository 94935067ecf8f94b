"""One type of an upstream as its client follows it: what it asked for, what it holds, what was answered of it.

Changes are given back as (before, after), for a catalogue to take. No nonces and no verdicts here.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from xds.client.answers import Answer
from xds.client.verifying import is_heartbeat
from xds.protocol.aliases import AliasIndex
from xds.protocol.catalogue import Change
from xds.protocol.interest import WILDCARD
from xds.protocol.knowledge import Learned
from xds.protocol.resource import Resource
from xds.protocol.types import BY_URL, TypeUrl


@dataclass(slots=True)
class News:
    """What an answer, or a change of the wish, makes of a type.

    `is_risky`: it would be a step back if upstream were behind. That of a name which nobody here ever knew is none.
    """

    changes: list[Change] = field(default_factory=list)
    learned: Learned | None = None
    is_risky: bool = False


@dataclass(slots=True)
class Following:
    """`followed`: what the upstream is asked for, `*` included. `open`: what it has not answered since it was reached.

    `elsewhere`: what the client of the mirror was found to have in another version than was held: it can wait.

    `is_opened`: the first request of the type was made on this stream. `is_damaged`: since then some answer was not
    taken, so that what was told is not all there is. `is_ambiguous`: `*` was asked for, dropped and asked for again on
    this stream, so that what was on its way for the first is taken for the second, which never says that it is gone.
    """

    type_url: TypeUrl
    held: dict[str, Resource] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    everything: bool = False
    open: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    is_opened: bool = False
    is_damaged: bool = False
    has_dropped_everything: bool = False
    is_ambiguous: bool = False

    @property
    def is_aliased(self) -> bool:
        return self.type_url in BY_URL and BY_URL[self.type_url].aliased

    @property
    def brought(self) -> Iterable[Resource]:
        """What is held of what is followed: what the first request of a stream says."""
        if WILDCARD in self.followed or self.is_aliased:
            return self.held.values()
        return [self.held[name] for name in self.followed & self.held.keys()]

    @property
    def unresolved(self) -> Iterable[str]:
        """Names of an aliased type that stand for nothing, as far as is known: the stream before said so."""
        if not self.is_aliased:
            return ()
        index = self._index()
        return [name for name in self.answered if name not in self.held and not index.targets(name)]

    @property
    def unheard(self) -> Set[str]:
        """Of an aliased type, what is held for a name that was never answered: told again, it brings the answer."""
        names = self.followed - self.answered - {WILDCARD} if self.is_aliased else ()
        return frozenset().union(*map(self._index().targets, names)) if names else frozenset()

    def connect(self) -> None:
        """A stream begins, on which all that is followed will be asked for."""
        awaited = self.followed - self.held.keys() - self.elsewhere
        self.open = awaited | (self.followed & {WILDCARD})
        self.is_opened = self.is_damaged = self.has_dropped_everything = self.is_ambiguous = False

    def change(self, added: Set[str], dropped: Set[str]) -> News:
        """The wish is another. What is followed no more is held no more: nobody would say how it goes on."""
        # Upstream will not say of these that they are gone: it does not know that they are held.
        gone = self.unwanted() if WILDCARD in added and self.is_opened else set()
        self.followed |= added
        self.followed -= dropped
        self.open -= dropped
        self.is_ambiguous |= WILDCARD in added and self.has_dropped_everything
        if WILDCARD in dropped:
            self.everything, self.has_dropped_everything = False, self.is_opened
        gone |= self._unfollowed(dropped) if dropped else set()
        forgotten = frozenset(dropped & self.answered)
        self.answered -= forgotten
        everything = False if WILDCARD in dropped else None
        return News(self.drop(gone), Learned(self.type_url, forgotten=forgotten, everything=everything))

    def unwanted(self) -> set[str]:
        """What is held and not followed: a state from disk may have more than is asked for."""
        if WILDCARD in self.followed:
            return set()
        wanted = self.followed
        if self.is_aliased:
            index = self._index()
            wanted = wanted.union(*map(index.targets, self.followed))
        return self.held.keys() - wanted

    def drop(self, names: Iterable[str]) -> list[Change]:
        """Hold these no longer."""
        return [(self.held.pop(name), None) for name in sorted(names)]

    def run_out(self, names: Set[str]) -> News:
        """Nobody has renewed these in their time: they are gone, and known to be."""
        changes = self.drop(names & self.held.keys())
        learned = frozenset((names & self.followed) - self.answered)
        self.answered |= learned
        return News(changes, Learned(self.type_url, learned))

    def compare(self, answer: Answer, *, only_adds: bool = False) -> News:
        """What the answer changes and says; nothing is taken yet. `only_adds`: what is held stays as it is."""
        names = {alias for _, aliases in answer.aliases for alias in aliases}
        changes: list[Change] = []
        for resource in answer.resources:
            before = self.held.get(resource.name)
            differs = before is None or before.version != resource.version
            if only_adds and before is not None:
                continue
            if differs and not is_heartbeat(resource) and self._concerns(resource.name, answer):
                changes.append((before, resource))
        gone = [name for name in answer.removed if name in self.held]
        changes += [(self.held[name], None) for name in gone if not only_adds]
        names.update(answer.removed, answer.unresolved)
        names.difference_update(gone if only_adds else ())
        learned = frozenset((names & self.followed) - self.answered)
        is_risky = any(before is not None or self._was_known(after, answer) for before, after in changes)
        everything = True if self._is_whole(answer) else None
        return News(changes, Learned(self.type_url, learned, everything=everything), is_risky)

    def take(self, answer: Answer, news: News) -> None:
        """The answer counts from now on."""
        for before, after in news.changes:
            if after is not None:
                self.held[after.name] = after
            elif before is not None:
                del self.held[before.name]
        if news.learned is not None:
            self.answered |= news.learned.answered
            self.everything |= bool(news.learned.everything)
        told = {one.name for one in answer.resources}.union(answer.removed, answer.unresolved)
        self.open -= told.union(*(aliases for _, aliases in answer.aliases))
        if self._ends_everything(answer):
            self.open.discard(WILDCARD)

    def _is_whole(self, answer: Answer) -> bool:
        asked = WILDCARD in self.followed and not self.everything and not self.is_damaged
        return asked and self._ends_everything(answer)

    def _ends_everything(self, answer: Answer) -> bool:
        """One that does not say so answers a wildcard with its first response of the type."""
        return answer.whole is None or answer.whole

    def _was_known(self, added: Resource | None, answer: Answer) -> bool:
        """Whether it was told, or may have been, that there is no such resource: not of one just asked for by name."""
        names = {added.name} if added is not None else set()
        if self.is_aliased:
            names.update(*(aliases for name, aliases in answer.aliases if name in names))
        return (names & self.followed) <= self.answered

    def _concerns(self, name: str, answer: Answer) -> bool:
        """Whether it is followed still: an answer may come after the wish has changed."""
        if WILDCARD in self.followed or name in self.followed or name in self.held:
            return True
        aliases = dict(answer.aliases).get(name, ()) if self.is_aliased else ()
        return not self.followed.isdisjoint(aliases)

    def _unfollowed(self, dropped: Set[str]) -> set[str]:
        if WILDCARD in self.followed:
            return set()
        if WILDCARD in dropped or self.is_aliased:
            return self.unwanted()
        return dropped & self.held.keys()

    def _index(self) -> AliasIndex:
        index = AliasIndex()
        for resource in self.held.values():
            index.replace(None, resource)
        return index
