"""What routes attach to, and their rules with all references looked up. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from snapshots.authoring.gateway.attachments import (
    RIVALS,
    Attachment,
    Claimant,
    Matches,
    attachments,
    matches,
    reached,
    rivals,
)
from snapshots.authoring.gateway.backends import Backends
from snapshots.authoring.gateway.bound import ListenerId
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.frame import Frame
from snapshots.authoring.gateway.http_rules import HttpRoute, http_route
from snapshots.authoring.gateway.layer4 import Layer4Route, layer4_route
from snapshots.authoring.gateway.parents import Parent
from snapshots.authoring.gateway.stages.results import Results
from snapshots.authoring.gateway.world import World, precedence
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.sheet import Gathered, Given, Made, Sheet

HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
_KINDS_IN_ORDER = {
    kind: number for number, kind in enumerate(("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"))
}
_Order = tuple[float, str, str, int]
_Attached = tuple[Attachment, ...]


def route_order(route: AuthoredObject) -> _Order:
    """Precedence among routes of all kinds."""
    return (*precedence(route), _KINDS_IN_ORDER[route.key.kind])


class RouteStages:
    """`attached`: to parents of ours; `http` and `layer4`: rules, made for who asks. `at`: the routes of a listener in
    order of precedence, with the hostnames that they serve there."""

    def __init__(
        self, sheet: Sheet, world: World, frames: Made[tuple[()], Frame], backends: Backends, results: Results
    ) -> None:
        self._world, self._frames, self._backends = world, frames, backends
        self.at: Gathered[ListenerId, tuple[ObjectKey, tuple[str, ...]]] = Gathered(sheet)
        self._claims: Gathered[tuple[ListenerId, str], Claimant] = Gathered(sheet)
        self._rival: Given[tuple[ListenerId, ObjectKey], ObjectKey] = Given(sheet)
        self._parents: Made[ObjectKey, Parent] = Made(sheet, lambda key: self._frame().parents.get(key))
        self._defaults: Made[tuple[()], tuple[ObjectKey, ...]] = Made(sheet, lambda _: self._frame().defaults)
        orphans = results.complain("parent", lambda found: found.complaints)
        self._matches: Made[ObjectKey, Matches] = Made(sheet, self._match, self._claim, orphans)
        self._rivals: Made[ListenerId, dict[ObjectKey, ObjectKey]] = Made(sheet, self._among, self._refuse)
        self._claims_at: Gathered[ListenerId, None] = Gathered(sheet)
        self._claims_at.drive(self._rivals)
        refusals = results.complain("attachment", _refusals)
        self.attached: Made[ObjectKey, _Attached] = Made(sheet, self._attach, self._reach, refusals)
        rules = results.complain("rules", lambda found: found.complaints)
        self.http: Made[ObjectKey, HttpRoute] = Made(sheet, self._http_route, rules)
        self.layer4: Made[ObjectKey, Layer4Route] = Made(sheet, self._layer4_route, rules)

    def want(self, key: ObjectKey) -> None:
        """A route came, changed or went."""
        for column in (self._matches, self.attached):
            column.want(key) if self._world.peek(key) else column.unwant(key)

    def _frame(self) -> Frame:
        found = self._frames.get(())
        assert found is not None
        return found

    def _match(self, key: ObjectKey) -> Matches | None:
        route = self._world.peek(key)
        if route is None:
            return None
        return matches(self._world, self._parents.get, self._defaults.get(()) or (), route)

    def _claim(self, key: ObjectKey, before: Matches | None, after: Matches | None) -> None:
        if key.kind in RIVALS:
            self._claims.change(_claims(before), _claims(after))
            self._claims_at.change(_listeners(before), _listeners(after))

    def _among(self, listener: ListenerId) -> dict[ObjectKey, ObjectKey] | None:
        """Who keeps whom out. Of one kind alone nobody does, and the many of the other need not be looked at."""
        if not (self._claims.orders((listener, "GRPCRoute")) and self._claims.orders((listener, "HTTPRoute"))):
            return None
        both = [each for kind in RIVALS for each in self._claims.get((listener, kind))]
        return rivals(claimant for _, claimant in sorted(both, key=lambda each: each[0])) or None

    def _refuse(
        self, listener: ListenerId, before: dict[ObjectKey, ObjectKey] | None, after: dict[ObjectKey, ObjectKey] | None
    ) -> None:
        new = after or {}
        for route in before or {}:
            if route not in new:
                self._rival.put((listener, route), None)
        for route, rival in new.items():
            self._rival.put((listener, route), rival)

    def _attach(self, key: ObjectKey) -> _Attached | None:
        route, found = self._world.peek(key), self._matches.get(key)
        if route is None or found is None:
            return None
        return attachments(route, found.found, lambda listener: self._rival.get((listener, key)))

    def _reach(self, key: ObjectKey, before: _Attached | None, after: _Attached | None) -> None:
        self.at.change(_reached(before), _reached(after))

    def _http_route(self, key: ObjectKey) -> HttpRoute | None:
        route = self._world.at(key)
        return http_route(self._backends, route) if route is not None else None

    def _layer4_route(self, key: ObjectKey) -> Layer4Route | None:
        route = self._world.at(key)
        return layer4_route(self._backends, route) if route is not None else None


def _refusals(attached: _Attached) -> tuple[Complaint, ...]:
    return tuple(each.refusal for each in attached if each.refusal is not None)


def _claims(found: Matches | None) -> Iterator[tuple[tuple[ListenerId, str], _Order, Claimant]]:
    if found is not None:
        every = {each.id: names for match in found.found for each, names in match.listeners}
        for listener, names in every.items():
            yield (listener, found.route.key.kind), route_order(found.route), Claimant(found.route.key, names)


def _listeners(found: Matches | None) -> Iterator[tuple[ListenerId, str, None]]:
    for (listener, kind), _, _ in _claims(found):
        yield listener, kind, None


def _reached(attached: _Attached | None) -> Iterator[tuple[ListenerId, _Order, tuple[ObjectKey, tuple[str, ...]]]]:
    if attached:
        route = attached[0].route
        for listener, (_, names) in reached(attached).items():
            yield listener, route_order(route), (route.key, names)
