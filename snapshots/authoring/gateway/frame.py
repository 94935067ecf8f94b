"""Gateways with their listeners, and all that is found by what they say: the frame that routes are hung into. Pure.

It is made as a whole: there are few of these, and each may be in the way of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from snapshots.authoring.gateway.bound import Bind, BoundListener, ListenerId
from snapshots.authoring.gateway.certificates import Certificates
from snapshots.authoring.gateway.client_certificates import client_certificates
from snapshots.authoring.gateway.client_checks import ClientChecks
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.gateways import Gateways, OwnGateway, gateways
from snapshots.authoring.gateway.http_serving import RouteGroup, route_groups
from snapshots.authoring.gateway.listeners import bound_listeners
from snapshots.authoring.gateway.parents import Parent
from snapshots.authoring.gateway.serving import by_bind
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject, ObjectKey


@dataclass(frozen=True)
class Frame:
    """`shown`: the certificate that a Gateway shows to backends. `certificates` and `authorities`: the xDS secrets that
    listeners and Gateways name, and what they are made of."""

    gateways: Gateways
    listeners: tuple[BoundListener, ...]
    shown: Mapping[ObjectKey, str]
    certificates: Mapping[str, AuthoredObject]
    authorities: Mapping[str, tuple[AuthoredObject, bytes]]
    complaints: tuple[Complaint, ...]

    @cached_property
    def own(self) -> Mapping[ObjectKey, OwnGateway]:
        return {each.gateway.key: each for each in self.gateways.own}

    @cached_property
    def defaults(self) -> tuple[ObjectKey, ...]:
        """The Gateways for routes that ask for no particular one.  GEP-3793."""
        return tuple(key for key, each in self.own.items() if each.gateway.model.spec.default_scope == "All")

    @cached_property
    def refused_sets(self) -> Mapping[ObjectKey, Complaint]:
        """The ListenerSets that their Gateways do not take, and why."""
        return {each.subject.key: each for each in self.gateways.refused_sets}

    @cached_property
    def parents(self) -> Mapping[ObjectKey, Parent]:
        """What routes can attach to."""
        found: dict[ObjectKey, list[BoundListener]] = {key: [] for key in self.refused_sets}
        for each in self.listeners:
            found.setdefault(each.owner.key, []).append(each)
        return {key: Parent(each) for key, each in found.items()}

    @cached_property
    def binds(self) -> Mapping[Bind, tuple[BoundListener, ...]]:
        """The Envoy listeners, and what they serve."""
        return {bind: tuple(found) for bind, found in by_bind(self.listeners).items()}

    @cached_property
    def groups(self) -> Mapping[str, RouteGroup]:
        """The route configurations, by name."""
        found = (group for bind, listeners in self.binds.items() for group, _ in route_groups(bind, listeners))
        return {group.name: group for group in found}

    @cached_property
    def groups_of(self) -> Mapping[ListenerId, tuple[RouteGroup, ...]]:
        """The route configurations of each listener: one for each of its addresses."""
        found: dict[ListenerId, tuple[RouteGroup, ...]] = {}
        for group in self.groups.values():
            for listener in group.listeners.values():
                found[listener] = (*found.get(listener, ()), group)
        return found


def frame(world: World, certificate_problem: Callable[[AuthoredObject], str]) -> Frame:
    """The frame of a world. `certificate_problem`: `certificates.pair_problem`."""
    complaints = Complaints()
    certificates, checks = Certificates(world, certificate_problem), ClientChecks(world, complaints)
    own = gateways(world, complaints)
    listeners = bound_listeners(own, certificates, checks, complaints)
    shown = client_certificates(world, certificates, complaints)
    return Frame(own, listeners, shown, certificates.used, checks.authorities, tuple(complaints.found))
