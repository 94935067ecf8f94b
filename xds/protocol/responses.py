"""What responses carry, before they have a nonce: the two variants of the protocol differ here and nowhere else.

Incremental: what is new, and what is gone, by name. State of the world: LDS and CDS (and whatever is subscribed by
wildcard) are the full state, where absence is removal; the others are partial and remove nothing.
xDS: "Resource types" and "Incremental xDS".
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass

from xds.protocol.due import removals_due, removals_held, updates_due
from xds.protocol.missing import NOTHING_MISSING, Missing
from xds.protocol.plan import ResourceError
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.splitting import split
from xds.protocol.subscription import Subscription
from xds.protocol.types import CLUSTER, LISTENER, RUNTIME


@dataclass(frozen=True, slots=True)
class Content:
    """One response without its nonce. `fresh`: see Push; `aliases`, `unresolved`: see Response."""

    version: str
    resources: tuple[Resource, ...]
    fresh: tuple[Resource, ...]
    removed: tuple[str, ...]
    share_key: Hashable
    errors: tuple[ResourceError, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unresolved: tuple[str, ...] = ()


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
        absent = (subscription.asked | _surplus(subscription, brought)) - wanted
        unresolved = _unresolved(subscription, served, absent, brought)
        # A client that was told so on its last stream has it still, with no version.
        gone = tuple(sorted(name for name in absent if name not in unresolved or name not in brought))
        if not told and not gone and not subscription.asked_everything:
            return ()
        missing = Missing.asked_for(subscription, served)
        return self._own(subscription, served, served.select(told), gone, missing, unresolved)

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


# In the state of the world Envoy 1.40 lets go of these when their time is over. When that of an assignment or a route
# configuration is, it crashes.
EXPIRING_IN_STATE = frozenset({CLUSTER, LISTENER, RUNTIME})


class StateResponses:
    """The state of the world."""

    variant = "state-of-the-world"

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes

    def answer(self, subscription: Subscription, served: ServedType) -> tuple[Content, ...]:
        """What was just asked for. Rule 21: everything, when the client has just that, needs no answer."""
        if _is_full_state(subscription):
            if _comes_back_with_it(subscription, served):
                return ()
            return self._full(subscription, served, _asked(subscription, served), reduced=False)
        found = served.select(sorted(subscription.asked))  # already what the names stand for
        missing = Missing.asked_for(subscription, served)
        return self._partial(served, found, missing) if found or missing.names else ()

    def additions(
        self, subscription: Subscription, served: ServedType, due: tuple[Resource, ...], gone: tuple[str, ...] = ()
    ) -> tuple[Content, ...]:
        """`due`, next to all the rest where the type wants a full state: also what is removed only later."""
        if _is_full_state(subscription):
            return self._full(subscription, served, due, reduced=False)
        return self._partial(served, due)

    def removals(self, subscription: Subscription, served: ServedType, due: tuple[str, ...]) -> tuple[Content, ...]:
        """The full state without the names in `due`, which the client held until now."""
        return self._full(subscription, served, (), reduced=True, gone=due)

    def removed_with(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone in the same breath as what is new: a full state does so by itself."""
        return ()

    def removals_due(self, subscription: Subscription, served: ServedType) -> tuple[str, ...]:
        """Names to be told as gone: by absence, where that means something (rules 17 and 18)."""
        return removals_due(subscription, served) if _is_full_state(subscription) else ()

    def tells_all(self, subscription: Subscription) -> bool:
        """Whether every response is the full state."""
        return _is_full_state(subscription)

    def may_expire(self, subscription: Subscription) -> bool:
        """Whether a time to live can be told of this type: Envoy does not survive the end of any."""
        return subscription.type.url in EXPIRING_IN_STATE

    def held_already(self, subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
        """What the client brought from an earlier stream as it is served now, and is therefore not sent."""
        return served.everything() if _comes_back_with_it(subscription, served) else ()

    def renewals(
        self, subscription: Subscription, served: ServedType, leased: tuple[Resource, ...]
    ) -> tuple[Content, ...]:
        """What the client holds, again and with its body, under the version that the client says it has.

        Not heartbeats: in this variant Envoy lets what has only those expire, and takes what a response of clusters or
        listeners leaves out as removed. A full state that the client does not have, or is about to have, is no renewal.
        """
        if subscription.awaiting or not subscription.version:
            return ()
        if _is_full_state(subscription):
            (whole,) = self._full(subscription, served, (), reduced=False)
            return (whole,) if whole.version == subscription.version else ()
        version, pieces = subscription.version, split(leased, (), self._limit_bytes)
        key = (*served.identity, self.variant, version)
        return tuple(Content(version, piece, (), (), (*key, fingerprint(piece))) for piece, _ in pieces)

    def _full(
        self,
        subscription: Subscription,
        served: ServedType,
        fresh: tuple[Resource, ...],
        *,
        reduced: bool,
        gone: tuple[str, ...] = (),
    ) -> tuple[Content, ...]:
        held = (name for name in removals_held(subscription, served) if not (reduced and name in gone))
        extra = tuple(served.departed[name] for name in held if name in served.departed)
        named = subscription.interest.own & served.on_demand if served.on_demand else ()
        if subscription.interest.wildcard:
            extra = (*extra, *served.select(sorted(named)))
            resources = (*served.everything(), *extra) if extra else served.everything()
            version = served.version_with(extra) if extra else served.version
        else:
            resources = (*served.select(sorted(subscription.interest.own)), *extra)
            version = fingerprint(resources).hex()  # some names are not the state that a wildcard has
        errors = Missing.asked_for(subscription, served).beside(resources, self._limit_bytes)
        key = (*served.identity, self.variant, version, fingerprint((), (), errors) if errors else b"")
        return (Content(version, resources, fresh, (), key, errors),)

    def _partial(
        self, served: ServedType, resources: tuple[Resource, ...], missing: Missing = NOTHING_MISSING
    ) -> tuple[Content, ...]:
        pieces = split(resources, missing.names, self._limit_bytes, missing.because)
        return tuple(self._piece(served, piece, missing.among(absent)) for piece, absent in pieces)

    def _piece(self, served: ServedType, resources: tuple[Resource, ...], errors: tuple[ResourceError, ...]) -> Content:
        key = (*served.identity, self.variant, fingerprint(resources, (), errors))
        return Content(served.version, resources, resources, (), key, errors)


Responses = DeltaResponses | StateResponses


def fingerprint(
    resources: tuple[Resource, ...], removed: tuple[str, ...] = (), errors: tuple[ResourceError, ...] = ()
) -> bytes:
    """Equal for equal contents: short to compare, however many names. A name may hold any character, so sizes count."""
    told = "".join([f"{len(one.name)} {one.name}{len(one.version)} {one.version}" for one in resources])
    gone = "".join([f"{len(name)} {name}" for name in removed])
    failed = "".join([f"{len(error.name)} {error.name}" for error in errors])
    return hashlib.blake2b(f"{len(resources)} {told}{len(removed)} {gone}{failed}".encode(), digest_size=16).digest()


def _wanted(subscription: Subscription, served: ServedType) -> Set[str]:
    """Names of the resources that were asked for, of those that there are."""
    named = subscription.asked & served.resources.keys()
    if served.on_demand:  # one that was let go of, and that everything does not include
        named = {name for name in named if name in subscription.interest}
    return named | (served.resources.keys() - served.on_demand) if subscription.asked_everything else named


def _surplus(subscription: Subscription, brought: Mapping[str, str]) -> Set[str]:
    """What a client brings and may have to let go of: it holds more than it names, by everything or by aliases."""
    return brought.keys() if subscription.asked_everything or subscription.type.aliased else frozenset()


def _unresolved(
    subscription: Subscription, served: ServedType, absent: Set[str], brought: Mapping[str, str]
) -> Set[str]:
    """Of what is not there, the names that could stand for something: the client holds nothing that is called so."""
    if not subscription.type.aliased:
        return frozenset()
    unknown = {name for name in absent & subscription.interest.names if not brought.get(name)}
    return unknown.difference(removals_due(subscription, served)) if unknown else unknown


def _asked(subscription: Subscription, served: ServedType) -> tuple[Resource, ...]:
    if subscription.asked_everything:
        return served.everything()
    due = {resource.name for resource in updates_due(subscription, served)}
    return served.select(sorted(due | subscription.asked))


def _comes_back_with_it(subscription: Subscription, served: ServedType) -> bool:
    """A version says what a new stream's client holds only where no part of a state ever went by the same version."""
    fresh = subscription.asked_everything and not subscription.asked and not subscription.last_nonce
    return fresh and subscription.type.full_state and subscription.version == served.version


def _is_full_state(subscription: Subscription) -> bool:
    return subscription.type.full_state or subscription.interest.wildcard
