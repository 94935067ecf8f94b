"""What responses of the incremental variant carry: what is new, and what is gone, by name.

xDS: "Incremental xDS".
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from xds.protocol.content import Content, fingerprint
from xds.protocol.due import removals_due
from xds.protocol.missing import NOTHING_MISSING, Missing
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.splitting import split
from xds.protocol.subscription import Subscription


class DeltaResponses:
    """The incremental variant."""

    variant = "delta"

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    def answer(self, subscription: Subscription, served: ServedType) -> tuple[Content, ...]:
        """What was just asked for, whatever else is due (rules 13 to 15, 19 and 20)."""
        brought = subscription.brought or {}
        if subscription.asked_everything and not brought and not subscription.asked:
            return self._shared(served, -1, served.everything())
        wanted = _wanted(subscription, served)
        told = sorted(name for name in wanted if brought.get(name) != served.resources[name].version)
        absent = (subscription.asked | _surplus(subscription, served)) - wanted
        unresolved = _unresolved(subscription, absent, brought)
        # A client that was told so on its last stream has it still, with no version.
        gone = tuple(sorted(name for name in absent if name not in unresolved or name not in brought))
        if not told and not gone and not subscription.asked_everything:
            return ()
        missing = Missing.asked_for(subscription, served)
        held = unresolved.intersection(removals_due(subscription, served)) if unresolved else unresolved
        contents = self._own(subscription, served, served.select(told), gone, missing, unresolved - held)
        if not held:
            return contents
        # What the client holds under such a name is removed, and then the name stands for nothing: not in one response.
        return (*contents, *self._own(subscription, served, (), tuple(sorted(held)), unresolved=held))

    def additions(
        self, subscription: Subscription, served: ServedType, due: tuple[Resource, ...], gone: tuple[str, ...] = ()
    ) -> tuple[Content, ...]:
        """`due`, in as many responses as its size takes; `gone` with it."""
        interest = subscription.interest
        if interest.wildcard and not interest.names and subscription.quiet and not gone:
            return self._shared(served, subscription.sent_to, due)
        return self._own(subscription, served, due, gone)

    def removals(self, subscription: Subscription, served: ServedType, due: tuple[str, ...]) -> tuple[Content, ...]:
        """The names in `due`, gone."""
        return self._own(subscription, served, (), due)

    def removed_with(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone in the same breath as what is new.

        Two virtual hosts may not have one domain: Envoy refuses the new one as long as it has the old.
        """
        return removals_due(subscription, served) if subscription.type.aliased else ()

    def removals_due(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone."""
        return removals_due(subscription, served)

    def tells_all(self, subscription: Subscription) -> bool:
        """Whether every response is the full state."""
        return False

    def may_expire(self, subscription: Subscription) -> bool:
        """Whether a time to live can be told of this type."""
        return True

    def held_already(self, subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
        """What the client brought from an earlier stream as it is served now, and is therefore not sent."""
        brought = subscription.brought or {}
        names = sorted(brought.keys() & served.resources.keys())
        return tuple(one for one in served.select(names) if one.version == brought[one.name])

    def is_behind(self, subscription: Subscription, served: ServedType) -> bool:
        """Whether the client brought something else from an earlier stream than it is served now."""
        brought, resources = subscription.brought, served.resources
        if not brought:
            return False
        pending = subscription.pending
        for name, version in brought.items():  # a name that stood for nothing has no version
            if pending is not None and (pending.everything or name in pending.names):
                continue
            if version and (name not in resources or resources[name].version != version):
                return True
        return subscription.asked_everything and not resources.keys() - served.on_demand <= brought.keys()

    def lost_meanwhile(self, subscription: Subscription, served: ServedType) -> Set[str]:
        """Names that the client brought from an earlier stream, wants, and that are gone."""
        lost = {name for name in subscription.brought or () if name not in served.resources}
        if subscription.asked_everything and not (subscription.type.aliased and subscription.pending):
            return lost - subscription.pending_names
        return lost & subscription.asked

    def renewals(
        self, subscription: Subscription, served: ServedType, leased: tuple[Resource, ...]
    ) -> tuple[Content, ...]:
        """Heartbeats: the versions that the client holds, without bodies.

        Without a body, a virtual host is a name that stands for nothing: those are sent again.
        """
        whole = subscription.type.aliased or (subscription.leases is not None and subscription.leases.whole)
        told = leased if whole else tuple(resource.without_body() for resource in leased)
        return self._own(subscription, served, told, ())

    def _shared(self, served: ServedType, since: int, resources: tuple[Resource, ...]) -> tuple[Content, ...]:
        """For all that stand at `since` and want everything; O(1) but for the first of them."""
        key = (self.variant, since, self._limit_bytes)
        return served.shared(
            key,
            lambda: tuple(
                Content(served.version, piece, piece, (), (*served.identity, *key, part))
                for part, (piece, _) in enumerate(split(resources, (), self._limit_bytes))
            ),
        )

    def _own(
        self,
        subscription: Subscription,
        served: ServedType,
        resources: tuple[Resource, ...],
        absent: tuple[str, ...],
        missing: Missing = NOTHING_MISSING,
        unresolved: Set[str] = frozenset(),
    ) -> tuple[Content, ...]:
        standing = subscription.interest.standing
        contents = []
        for piece, absent_here in split(resources, absent, self._limit_bytes, missing.because):
            aliases = tuple((one.name, standing.names_of(one.name)) for one in piece if one.name in standing)
            empty = tuple(name for name in absent_here if name in unresolved)
            removed = tuple(name for name in absent_here if name not in unresolved) if empty else absent_here
            errors = missing.among(absent_here)
            key = (*served.identity, self.variant, fingerprint(piece, removed, errors), aliases, empty)
            contents.append(Content(served.version, piece, piece, removed, key, errors, aliases, empty))
        return tuple(contents)


def _wanted(subscription: Subscription, served: ServedType) -> Set[str]:
    """Names of the resources that were asked for, of those that there are."""
    named = subscription.asked & served.resources.keys()
    if served.on_demand:  # one that was let go of, and that everything does not include
        named = {name for name in named if name in subscription.interest}
    return named | (served.resources.keys() - served.on_demand) if subscription.asked_everything else named


def _surplus(subscription: Subscription, served: ServedType) -> Set[str]:
    """What a client brings and may have to let go of: it holds more than it names, by everything or by aliases.

    Whether one of several names stands for it is known when all of them are.
    """
    brought, pending = subscription.brought or {}, subscription.pending
    if not subscription.type.aliased:
        return brought.keys() - subscription.pending_names if subscription.asked_everything else frozenset()
    if pending is not None:
        return frozenset()
    wanted = subscription.interest
    return {name for name in brought if name not in served.resources or name not in wanted}


def _unresolved(subscription: Subscription, absent: Set[str], brought: Mapping[str, str]) -> frozenset[str]:
    """Of what is not there, the names that could stand for something: of what the client brings, none is called so."""
    if not subscription.type.aliased:
        return frozenset()
    return frozenset(name for name in absent & subscription.interest.names if not brought.get(name))
