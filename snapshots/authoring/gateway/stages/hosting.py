"""HTTP: routes by hostname, virtual hosts, route configurations, and what is never asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from heapq import merge
from typing import Any, NamedTuple

from snapshots.authoring.gateway.attachments import reached
from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.bound import BoundListener, ListenerId
from snapshots.authoring.gateway.closing import closed
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.envoy import Messages, Part
from snapshots.authoring.gateway.frame import Frame
from snapshots.authoring.gateway.guards import guarded_name
from snapshots.authoring.gateway.hostnames import wildcards_above
from snapshots.authoring.gateway.http_routes import RouteEntry, Where, guarded_by, route_entries
from snapshots.authoring.gateway.http_serving import RouteGroup, domains
from snapshots.authoring.gateway.paths import Entrance
from snapshots.authoring.gateway.routing import Form, Routing, ServedHost, other_fields, route_configuration, whole
from snapshots.authoring.gateway.shadows import Claim, Hosted, Shadow, claims_of, host_shadows, shadow_complaints
from snapshots.authoring.gateway.slices import form_of, hosts_slice, other_hosts, routing, scope_of, slice_of, way_back
from snapshots.authoring.gateway.stages.results import Product, Results
from snapshots.authoring.gateway.stages.routes import RouteStages, route_order
from snapshots.authoring.gateway.virtual_hosts import MISDIRECTED, asked_hostname, misdirected, rank, virtual_host
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.sheet import Gathered, Given, Made, Sheet
from xds.protocol.resource import Resource

# A listener and a hostname that it serves; the name of a group of listeners, and a domain or the number of a slice.
_Host = tuple[ListenerId, str]
_Domain = tuple[str, str]
_Slice = tuple[str, int]


class GuardFilter(NamedTuple):
    """A filter that routes turn on, and whom it asks."""

    fields: dict[str, Any]
    target: BackendTarget


class Served(NamedTuple):
    """The Envoy routes of a route, and the filters that they turn on."""

    entries: tuple[RouteEntry, ...]
    guards: tuple[GuardFilter, ...]


class Hosting(NamedTuple):
    """A route under one hostname of one listener. `claims`: what it asks for, where some configuration serves it."""

    host: _Host
    order: tuple[Any, ...]
    asked: str
    served: Served
    claims: tuple[Claim, ...] | None


class HostingStages:
    """`hosts`: the virtual hosts, by connection manager and domain."""

    def __init__(
        self,
        sheet: Sheet,
        world: World,
        messages: Messages,
        frames: Made[tuple[()], Frame],
        routes: RouteStages,
        results: Results,
    ) -> None:
        self._world, self._messages, self._frames, self._routes = world, messages, frames, routes
        self._entries_at: Gathered[_Host, RouteEntry] = Gathered(sheet)
        self._hostnames: Gathered[ListenerId, None] = Gathered(sheet)
        self._claims_at: Gathered[_Host, Hosted] = Gathered(sheet)
        self._shadowed: Gathered[ObjectKey, Shadow] = Gathered(sheet)
        self._whole: Gathered[str, ServedHost] = Gathered(sheet)
        self._slice: Gathered[_Slice, ServedHost] = Gathered(sheet)
        self._rest: Gathered[str, ServedHost] = Gathered(sheet)
        self._guards_at: Gathered[ListenerId, GuardFilter] = Gathered(sheet)
        self._weights: dict[str, tuple[int, int]] = {}
        self._forms: Given[str, Form] = Given(sheet)
        self._shown: Made[ObjectKey, str] = Made(sheet, lambda key: self._frame().shown.get(key))
        self._group: Made[str, RouteGroup] = Made(sheet, lambda name: self._frame().groups.get(name))
        self._groups_of: Made[ListenerId, tuple[RouteGroup, ...]] = Made(
            sheet, lambda listener: self._frame().groups_of.get(listener)
        )
        self._entries: Made[tuple[ObjectKey, Where], Served] = Made(sheet, self._made_for)
        self._claims: Made[ObjectKey, tuple[Claim, ...]] = Made(sheet, self._claimed)
        self._hosted: Made[ObjectKey, tuple[Hosting, ...]] = Made(sheet, self._host, self._put)
        self._guards: Made[str, tuple[GuardFilter, ...]] = Made(sheet, self._guards_of)
        self._domains: Made[str, frozenset[str]] = Made(sheet, self._domains_of, self._want_domains)
        self.hosts: Made[_Domain, ServedHost] = Made(sheet, self._virtual_host, self._gather)
        self._configurations: Made[str, tuple[Product, ...]] = Made(sheet, self._configuration, results.produce)
        self._slices: Made[_Slice, Product] = Made(sheet, self._one_slice, results.produce)
        self._slice.drive(self._slices)
        self._scopes: Made[_Domain, Product] = Made(sheet, self._scope, results.produce)
        self._shadows: Made[_Host, tuple[Shadow, ...]] = Made(sheet, self._shadows_at, self._shadow)
        self._claims_at.drive(self._shadows)
        never = results.complain("shadow", lambda found: found)
        self._never: Made[ObjectKey, tuple[Complaint, ...]] = Made(sheet, self._never_asked, never)
        self._shadowed.drive(self._never)

    def want(self, key: ObjectKey) -> None:
        """An HTTPRoute or GRPCRoute came, changed or went."""
        self._hosted.want(key) if self._world.peek(key) else self._hosted.unwant(key)

    def framed(self, key: tuple[()], before: Frame | None, after: Frame | None) -> None:
        """A follower of the frame."""
        for column in (self._domains, self._configurations):
            column.want_just(before.groups if before else (), after.groups if after else ())

    def _frame(self) -> Frame:
        found = self._frames.get(())
        assert found is not None
        return found

    def _made_for(self, key: tuple[ObjectKey, Where]) -> Served | None:
        route, rules = self._world.at(key[0]), self._routes.http.get(key[0])
        if route is None or rules is None:
            return None
        guards = guarded_by(self._messages, rules.rules, key[1])
        entries = route_entries(self._messages, route, rules.rules, key[1])
        return Served(tuple(entries), tuple(GuardFilter(*each) for each in guards))

    def _claimed(self, key: ObjectKey) -> tuple[Claim, ...]:
        route, rules = self._world.at(key), self._routes.http.get(key)
        return () if route is None or rules is None else claims_of(route, rules.rules)

    def _host(self, key: ObjectKey) -> tuple[Hosting, ...] | None:
        route = self._world.peek(key)
        if route is None:
            return None
        found = reached(self._routes.attached.get(key) or ())
        served = ((listener, name) for listener, names in found.values() if listener.usable for name in names)
        order, asked = route_order(route), route.model.spec.hostnames
        return tuple(
            Hosting(
                (listener.id, name),
                order,
                asked_hostname(name, asked),
                self._entries.get((key, self._where(listener))) or _NOTHING,
                self._claims.get(key) if self._is_served(listener.id, name) else None,
            )
            for listener, name in served
        )

    def _where(self, listener: BoundListener) -> Where:
        scheme = "https" if listener.listener.protocol == "HTTPS" else "http"
        return Where(Entrance(listener.listener.port, scheme), self.shown(listener.gateway.key))

    def shown(self, gateway: ObjectKey) -> str:
        """The certificate that a Gateway shows to backends."""
        return self._shown.get(gateway) or ""

    def _guards_of(self, name: str) -> tuple[GuardFilter, ...] | None:
        """All that routes of a group rely on, by the filters' names."""
        group = self._group.get(name)
        listeners = group.listeners.values() if group is not None else ()
        found = dict(each for listener in listeners for each in self._guards_at.get(listener))
        return tuple(found[name] for name in sorted(found)) or None

    def asked(self, name: str) -> Iterator[BackendTarget]:
        """Whom the guards of a group ask."""
        return (each.target for each in self._guards.get(name) or ())

    def _is_served(self, listener: ListenerId, hostname: str) -> bool:
        """What a more specific listener has everywhere, this one serves nowhere."""
        return any(group.serving(hostname) == listener for group in self._groups_of.get(listener) or ())

    def _put(self, key: ObjectKey, before: Iterable[Hosting] | None, after: Iterable[Hosting] | None) -> None:
        self._entries_at.change(_entries(before), _entries(after))
        self._hostnames.change(_hostnames(before), _hostnames(after))
        self._claims_at.change(_claims(before), _claims(after))
        self._guards_at.change(_guards(before), _guards(after))

    def _domains_of(self, name: str) -> frozenset[str] | None:
        group = self._group.get(name)
        if group is None:
            return None
        listeners = group.listeners.values()
        return domains(group, ((each, host) for each in listeners for host in self._hostnames.orders(each)))

    def _want_domains(self, name: str, before: frozenset[str] | None, after: frozenset[str] | None) -> None:
        old, new = before or frozenset(), after or frozenset()
        for domain in new - old:
            self.hosts.want((name, domain))
        for domain in old - new:
            self.hosts.unwant((name, domain))

    def _virtual_host(self, key: _Domain) -> ServedHost | None:
        name, domain = key
        group = self._group.get(name)
        if group is not None and domain == MISDIRECTED:
            return misdirected(self._messages, group.others - group.listeners.keys())
        listener = group.serving(domain) if group is not None else None
        if listener is None:
            return None
        found = [self._entries_at.get((listener, each)) for each in (domain, *wildcards_above(domain))]
        return virtual_host(self._messages, domain, merge(*found, key=_order))

    def _gather(self, key: _Domain, before: ServedHost | None, after: ServedHost | None) -> None:
        self._whole.change(_in_whole(key, before), _in_whole(key, after))
        self._slice.change(_in_slice(key, before), _in_slice(key, after))
        self._rest.change(_in_rest(key, before), _in_rest(key, after))
        if (before or after or _NOBODY).is_exact:
            self._scopes.want(key) if after else self._scopes.unwant(key)
        self._weigh(key[0], _weight(after), _weight(before))

    def _weigh(self, name: str, more: tuple[int, int], less: tuple[int, int]) -> None:
        size_bytes, exact = self._weights.get(name, (0, 0))
        weight = self._weights[name] = (size_bytes + more[0] - less[0], exact + more[1] - less[1])
        if not any(weight):
            del self._weights[name]
        self._forms.put(name, form_of(*weight) if any(weight) else None)

    def routing(self, name: str) -> Routing:
        """How the requests of a group find their routes."""
        guards = self._filters(name)
        if guards:
            return replace(whole(guarded_name(name, guards)), guards=guards)
        return routing(self._messages, name, self._form(name) or Form.WHOLE)

    def _filters(self, name: str) -> tuple[dict[str, Any], ...]:
        return tuple(each.fields for each in self._guards.get(name) or ())

    def _form(self, name: str) -> Form | None:
        """None: there are no hosts. Guarded ones are in one: what looks for routes anew, as slices do, cannot turn on a
        filter any more."""
        form = self._forms.get(name)
        return Form.WHOLE if form is not None and self._guards.get(name) else form

    def _configuration(self, name: str) -> tuple[Product, ...] | None:
        group, form = self._group.get(name), self._form(name)
        if group is None or form is None:
            return None
        if form == Form.SLICES:
            rest = other_hosts(self._messages, name, [host for _, host in self._rest.get(name)])
            return tuple(Product(group.gateway, each) for each in rest)
        hosts = [host for _, host in self._whole.get(name)]
        made = route_configuration(guarded_name(name, self._filters(name)), hosts, other_fields(self._messages))
        back = (way_back(name),) if form == Form.WHOLE_WITH_WAY_BACK else ()
        return tuple(Product(group.gateway, each) for each in (made, *back, *self._closed(name, hosts)))

    def _closed(self, name: str, hosts: Iterable[ServedHost]) -> Iterator[Resource]:
        """For connections from before the first guard, while the hosts were in slices: a way back past no guard."""
        if self._guards.get(name) and self._forms.get(name) == Form.SLICES:
            found = (closed(self._messages, each) for each in hosts)
            yield route_configuration(name, found, other_fields(self._messages))
            yield way_back(name)

    def _one_slice(self, key: _Slice) -> Product | None:
        group = self._group.get(key[0])
        if group is None or self._form(key[0]) != Form.SLICES:
            return None
        return Product(group.gateway, hosts_slice(self._messages, *key, [host for _, host in self._slice.get(key)]))

    def _scope(self, key: _Domain) -> Product | None:
        group = self._group.get(key[0])
        if group is None or self._form(key[0]) != Form.SLICES:
            return None
        return Product(group.gateway, scope_of(*key))

    def _shadows_at(self, host: _Host) -> tuple[Shadow, ...] | None:
        return host_shadows([hosted for _, hosted in self._claims_at.get(host)]) or None

    def _shadow(self, host: _Host, before: Iterable[Shadow] | None, after: Iterable[Shadow] | None) -> None:
        self._shadowed.change(_shadows(host, before), _shadows(host, after))

    def _never_asked(self, key: ObjectKey) -> tuple[Complaint, ...]:
        hosts = tuple(each.host for each in self._hosted.get(key) or () if each.claims is not None)
        shadows: dict[_Host, list[Shadow]] = {}
        for (host, _, _), shadow in self._shadowed.get(key):
            shadows.setdefault(host, []).append(shadow)
        return tuple(shadow_complaints(hosts, shadows))


_order: Callable[[tuple[Any, RouteEntry]], Any] = lambda pair: pair[0]  # noqa: E731


_Given = Iterator[tuple[Any, Any, ServedHost]]
_NOTHING = Served((), ())
_NOBODY = ServedHost("*", Part(b"", ()))


def _weight(host: ServedHost | None) -> tuple[int, int]:
    """Bytes, and how many exact hosts."""
    return (len(host.part.body), int(host.is_exact)) if host is not None else (0, 0)


def _in_whole(key: _Domain, host: ServedHost | None) -> _Given:
    """By domain; what is misdirected comes last."""
    if host is not None:
        yield key[0], (key[1] == MISDIRECTED, key[1]), host


def _in_slice(key: _Domain, host: ServedHost | None) -> _Given:
    if host is not None and host.is_exact:
        yield (key[0], slice_of(key[1])), key[1], host


def _in_rest(key: _Domain, host: ServedHost | None) -> _Given:
    if host is not None and not host.is_exact:
        yield from _in_whole(key, host)


def _entries(hostings: Iterable[Hosting] | None) -> Iterator[tuple[_Host, Any, RouteEntry]]:
    for each in hostings or ():
        for entry in each.served.entries:
            yield each.host, rank(each.asked, entry), entry


def _hostnames(hostings: Iterable[Hosting] | None) -> Iterator[tuple[ListenerId, str, None]]:
    return ((*each.host, None) for each in hostings or ())


def _guards(hostings: Iterable[Hosting] | None) -> Iterator[tuple[ListenerId, str, GuardFilter]]:
    return ((each.host[0], guard.fields["name"], guard) for each in hostings or () for guard in each.served.guards)


def _claims(hostings: Iterable[Hosting] | None) -> Iterator[tuple[_Host, Any, Hosted]]:
    for each in hostings or ():
        if each.claims is not None:
            yield each.host, each.order, Hosted(each.asked, each.claims)


def _shadows(host: _Host, shadows: Iterable[Shadow] | None) -> Iterator[tuple[ObjectKey, Any, Shadow]]:
    for each in shadows or ():
        yield each.claim.route.key, (host, each.claim.rule, each.claim.match), each
