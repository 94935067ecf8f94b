"""What every object is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from snapshots.authoring.gateway.backend_tls import BackendTls
from snapshots.authoring.gateway.bound import ListenerId
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.frame import Frame
from snapshots.authoring.gateway.http_rules import HttpRoute
from snapshots.authoring.gateway.layer4 import Layer4Route
from snapshots.authoring.gateway.policy_statuses import policy_status
from snapshots.authoring.gateway.route_statuses import route_status
from snapshots.authoring.gateway.stages.results import Results, Told
from snapshots.authoring.gateway.stages.routes import HTTP_KINDS, RouteStages, route_order
from snapshots.authoring.gateway.statuses import Owners, class_status, refused_set
from snapshots.authoring.gateway.unheeded import unheeded
from snapshots.authoring.gateway.world import CONTROLLER_NAME, World, precedence
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.sheet import Gathered, Made, Sheet

# The order of all: classes, Gateways with the ListenerSets that they take, other ListenerSets, routes, policies.
_CLASS, _OWNER, _REFUSED, _ROUTE, _POLICY = range(5)
_Statuses = tuple[Told, ...]
_NamespacedName = tuple[str, str]


class TellingStages:
    """One cell for what is told together."""

    def __init__(
        self,
        sheet: Sheet,
        world: World,
        frames: Made[tuple[()], Frame],
        policies: Made[ObjectKey, BackendTls],
        routes: RouteStages,
        results: Results,
    ) -> None:
        self._world, self._frames, self._policies, self._routes = world, frames, policies, routes
        self._ancestors: Gathered[ObjectKey, None] = Gathered(sheet)
        parameters = results.complain("class", lambda found: tuple(each for _, wrong in found for each in wrong))
        self._classes: Made[ObjectKey, tuple[tuple[Told, tuple[Complaint, ...]], ...]] = Made(
            sheet, self._class, lambda *moved: results.tell(moved[0], _told(moved[1]), _told(moved[2])), parameters
        )
        self._owners: Made[ObjectKey, _Statuses] = Made(sheet, self._owner, results.tell)
        self._refused: Made[ObjectKey, _Statuses] = Made(sheet, self._refused_set, results.tell)
        self._of_routes: Made[ObjectKey, _Statuses] = Made(sheet, self._route, results.tell)
        self._lineage: Made[ObjectKey, tuple[tuple[ObjectKey, _NamespacedName], ...]] = Made(
            sheet, self._lead_to, self._descend
        )
        self._of_policies: Made[ObjectKey, _Statuses] = Made(sheet, self._policy, results.tell)
        unheeded_fields = results.complain("unheeded", lambda found: found)
        self._unheeded: Made[ObjectKey, tuple[Complaint, ...]] = Made(sheet, self._left, unheeded_fields)

    def want(self, key: ObjectKey) -> None:
        """An object of the kinds HEEDED_IN_PART came, changed or went."""
        self._unheeded.want(key) if self._world.peek(key) else self._unheeded.unwant(key)

    def want_class(self, key: ObjectKey) -> None:
        self._classes.want(key) if self._world.peek(key) else self._classes.unwant(key)

    def want_route(self, key: ObjectKey) -> None:
        for column in (self._of_routes, self._lineage):
            column.want(key) if self._world.peek(key) else column.unwant(key)

    def want_policy(self, key: ObjectKey) -> None:
        self._of_policies.want(key) if self._world.peek(key) else self._of_policies.unwant(key)

    def framed(self, key: tuple[()], before: Frame | None, after: Frame | None) -> None:
        """A follower of the frame."""
        self._owners.want_just(before.own if before else (), after.own if after else ())
        self._refused.want_just(before.refused_sets if before else (), after.refused_sets if after else ())

    def _class(self, key: ObjectKey) -> tuple[tuple[Told, tuple[Complaint, ...]], ...]:
        found = self._world.peek(key)
        if found is None or found.model.spec.controller_name != CONTROLLER_NAME:
            return ()
        status, wrong = class_status(found)
        return ((Told(key, status, (_CLASS, precedence(found))), () if wrong is None else (wrong,)),)

    def _left(self, key: ObjectKey) -> tuple[Complaint, ...] | None:
        found = self._world.peek(key)
        return tuple(unheeded(self._world, found)) or None if found is not None else None

    def _owner(self, key: ObjectKey) -> _Statuses | None:
        frame = self._frames.get(())
        own = frame.own.get(key) if frame is not None else None
        if frame is None or own is None:
            return None
        parents = frame.parents
        tell = Owners(lambda owner: parents[owner].listeners if owner in parents else (), self._count, frame.complaints)
        order = (_OWNER, precedence(own.gateway))
        sets = (Told(each.key, tell.listener_set(own, each), (*order, precedence(each))) for each in own.sets)
        return (Told(key, tell.gateway(own), order), *sets)

    def _count(self, listener: ListenerId) -> int:
        return len(self._routes.at.orders(listener))

    def _refused_set(self, key: ObjectKey) -> _Statuses | None:
        frame = self._frames.get(())
        why = frame.refused_sets.get(key) if frame is not None else None
        return (Told(key, refused_set(why), (_REFUSED, precedence(why.subject))),) if why is not None else None

    def _rules(self, key: ObjectKey) -> HttpRoute | Layer4Route | None:
        return self._routes.http.get(key) if key.kind in HTTP_KINDS else self._routes.layer4.get(key)

    def _route(self, key: ObjectKey) -> _Statuses | None:
        """Whether a listener serves it or not: what it refers to is told of even so."""
        attached = self._routes.attached.get(key)
        rules = self._rules(key) if attached else None
        if not attached or rules is None:
            return None
        return (Told(key, route_status(attached, rules.complaints), (_ROUTE, route_order(attached[0].route))),)

    def _lead_to(self, key: ObjectKey) -> tuple[tuple[ObjectKey, _NamespacedName], ...] | None:
        """The policies that a route has to do with, each with the Gateways that the route is attached to."""
        attached = self._routes.attached.get(key)
        rules = self._rules(key) if attached else None
        if not attached or rules is None or not rules.policies:
            return None
        found = {(each.gateway.namespace, each.gateway.name) for one in attached for each, _ in one.accepted}
        return tuple((policy, gateway) for policy in sorted(rules.policies) for gateway in sorted(found))

    def _descend(
        self,
        key: ObjectKey,
        before: tuple[tuple[ObjectKey, _NamespacedName], ...] | None,
        after: tuple[tuple[ObjectKey, _NamespacedName], ...] | None,
    ) -> None:
        self._ancestors.change(_lineage(before), _lineage(after))

    def _policy(self, key: ObjectKey) -> _Statuses | None:
        tls = self._policies.get(key)
        if tls is None:
            return None
        return (Told(key, policy_status(tls, self._ancestors.orders(key)), (_POLICY, precedence(tls.policy))),)


def _told(found: tuple[tuple[Told, tuple[Complaint, ...]], ...] | None) -> _Statuses:
    return tuple(told for told, _ in found or ())


def _lineage(
    found: tuple[tuple[ObjectKey, _NamespacedName], ...] | None,
) -> Iterator[tuple[ObjectKey, _NamespacedName, None]]:
    return ((policy, gateway, None) for policy, gateway in found or ())
