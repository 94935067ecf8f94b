"""One type on one stream: what is wanted, how far it was told, and the few exceptions. It decides nothing.

No map of what the client has: it has what the catalogue had at `sent_to`, but for the exceptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any

from xds.protocol.interest import Interest
from xds.protocol.leases import Leases
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import Nonce, ResourceType

DOUBTED = "doubted"  # no version is ever called so


@dataclass(frozen=True, slots=True)
class Push:
    """A response that waits for its answer. It brought the additions of the type to `position` from `since`.

    `fresh`: the resources of it that the client did not have; a full state repeats the others.
    """

    nonce: Nonce
    since: int
    position: int
    revision: int  # what was served there
    resources: tuple[Resource, ...]
    fresh: tuple[Resource, ...]
    removed: tuple[str, ...]
    sent_at_s: float
    removes: bool = False  # by name, or by absence from a full state

    @property
    def names(self) -> tuple[str, ...]:
        return (*(resource.name for resource in self.resources), *self.removed)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Content that the client refused, in its words. `keeps`: what the version that it holds instead refers to."""

    versions: tuple[str, ...]  # refused one after the other, newest last
    nonce: Nonce
    code: int
    message: str
    is_new: bool  # the client holds no earlier version
    keeps: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """An update that refers to what the client refused. `keeps`: what the version that it holds refers to."""

    is_new: bool
    keeps: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """What was asked for and is not known yet. `until_s`: other types wait no longer than that for its answer.

    `holds_back`: nothing else of the type goes before it.
    """

    names: set[str]
    everything: bool
    until_s: float
    holds_back: bool


@dataclass(slots=True, eq=False)
class Subscription:
    """Facts: `sent_to` and `gone_to` are positions, told of additions and updates, and of removals."""

    type: ResourceType
    interest: Interest
    sent_to: int = 0
    gone_to: int = 0
    confirmed_to: int = 0  # the client answered every addition up to here
    pushed_to: int = 0  # the position of the last response
    last_nonce: str = ""
    version: str = ""  # what the client says it has (state of the world)
    started: bool = False  # the first answer was decided
    gathers_until_s: float | None = None  # it waits for the other types that the client opens
    asked: set[str] = field(default_factory=set)  # answer at once, whatever the version
    postponed: set[str] = field(default_factory=set)  # names asked for, to be answered with what else is due
    asked_everything: bool = False
    pending: Pending | None = None  # asked for, and still to be learned from upstream
    brought: dict[str, str] | None = None  # initial_resource_versions, until they are compared once
    anew: frozenset[str] = frozenset()  # names that it asked for since it brought that: they are told again
    owed: set[str] = field(default_factory=set)  # send in turn, whatever the version: EDS after its cluster
    owes_everything: bool = False  # what goes in turn next is the answer to `*`
    ahead: dict[str, str] = field(default_factory=dict)  # answers newer than the cursor
    rejected: dict[str, Rejection] = field(default_factory=dict)
    withheld: dict[str, Withheld] = field(default_factory=dict)  # updates that would break
    lingering: set[str] = field(default_factory=set)  # removals that would break
    let_go: set[str] = field(default_factory=set)  # still there, but no name of the client stands for them any more
    parting: dict[str, float] = field(default_factory=dict)  # gone, but the client names them: until when it may
    awaiting: dict[str, Push] = field(default_factory=dict)
    settled_at: int = -1  # the type as it was last touched at this position was told as settled
    leases: Leases | None = None  # what the client holds for a time only
    unsolicited: bool = False  # opened by us to heal a client that never asks (rule 30)

    def __repr__(self) -> str:
        wanted = "*" if self.interest.wildcard else ""
        if self.interest.names:
            wanted = f"{wanted}+{len(self.interest.names)} names" if wanted else f"{len(self.interest.names)} names"
        parts = [f"{self.type.short} [{wanted or 'nothing'}] sent to {self.sent_to}"]
        if self.gone_to != self.sent_to:
            parts.append(f"removed to {self.gone_to}")
        if self.awaiting:
            parts.append(f"awaiting {', '.join(self.awaiting)}")
        for told, names in (("rejected", self.rejected), ("withheld", self.withheld), ("lingering", self.lingering)):
            if names:
                parts.append(f"{told} {', '.join(sorted(names)[:3])}{' …' if len(names) > 3 else ''}")
        return " ".join(parts)

    @property
    def is_unanswered(self) -> bool:
        """The first answer is still to come."""
        return not self.started and (self.asked_everything or bool(self.asked))

    @property
    def is_held_back(self) -> bool:
        """What was asked for comes before anything else of the type."""
        if self.pending is not None and self.pending.holds_back:
            return True
        return (not self.started or bool(self.brought)) and (self.asked_everything or bool(self.asked))

    @property
    def pending_names(self) -> Set[str]:
        """Names that were asked for and are not known yet."""
        return self.pending.names if self.pending is not None else frozenset()

    @property
    def quiet(self) -> bool:
        """Nothing to remember beside the cursor."""
        return not (self.owed or self.ahead or self.rejected or self.withheld)

    def start(self, position: int) -> None:
        """The first answer is decided: nothing before this position concerns the client."""
        self.started = True
        self.sent_to = self.gone_to = position

    def adopt(self, nonce: str) -> None:
        """A client speaks of what it was sent unasked: it answers it, or asks by itself and has not seen it."""
        self.unsolicited = False
        if nonce in self.awaiting:
            self.interest.opened = True
        else:
            self.awaiting.clear()

    def forget_unwanted(self) -> None:
        """Nothing is owed and nothing is remembered of names that the client no longer wants."""
        for exceptions in self._by_name:
            for name in [name for name in exceptions if name not in self.interest]:
                del exceptions[name]
        for names in (self.asked, self.owed, self.lingering, *((self.pending.names,) if self.pending else ())):
            names -= {name for name in names if name not in self.interest}

    def compared(self) -> None:
        """What was asked for is answered; what the client brought counts for what is pending, and no more."""
        if self.pending is None or not self.brought:
            self.brought, self.anew = None, frozenset()
        elif not (self.pending.everything or self.type.aliased):
            self.brought = {name: self.brought[name] for name in self.brought.keys() & self.pending.names}

    def forget_brought(self, names: Iterable[str]) -> None:
        """What the client said that it has of these counts no more: it has let go of them."""
        if self.brought:
            for name in names:
                self.brought.pop(name, None)

    def doubt_brought(self, names: Iterable[str]) -> None:
        """The client asks anew for these, and is told again (rule 14), or has let go of them, or may have (rule 13)."""
        brought = self.brought or {}
        for name in names:
            if brought.get(name) and name in self.interest:
                brought[name] = DOUBTED
            else:
                brought.pop(name, None)

    def forget(self, name: str) -> None:
        """Nothing is owed and nothing is remembered of this resource."""
        for exceptions in self._by_name:
            exceptions.pop(name, None)
        for names in (self.owed, self.lingering):
            names.discard(name)

    @property
    def _by_name(self) -> tuple[dict[str, Any], ...]:
        held = self.leases.held if self.leases else {}
        return (self.ahead, self.rejected, self.withheld, self.parting, held)

    def refuses(self, resource: Resource) -> bool:
        """Whether the client rejected this very content."""
        rejection = self.rejected.get(resource.name)
        return rejection is not None and resource.version in rejection.versions
