"""What route configurations come from: listeners' hostnames, and the rules of HTTPRoutes and GRPCRoutes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.envoy.json_form import to_json
from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.http_matches import RouteMatch, match_fields
from snapshots.authoring.gateway.sessions import SESSION_FILTER
from snapshots.authoring.gateway.whose import host_of
from snapshots.authoring.kinds.filters import Filter
from snapshots.authoring.kinds.http_route import HTTPRouteRule, duration_s
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.provenance import tables
from snapshots.authoring.provenance.frames import Frame, Json, Known, items, itself, named
from snapshots.authoring.provenance.listener_frames import bound_to
from snapshots.authoring.yaml_nodes import Path

_ROUTE_MATCH = "envoy.config.route.v3.RouteMatch"
# Filters with the places where they are written, those that are done last first.
Placed = Sequence[tuple[Path, Filter]]


def configuration_frames(api: EnvoyApi, known: Known, configuration: Json) -> Iterator[Frame]:
    """Of a RouteConfiguration: `tcp/0.0.0.0:80`, `tcp/0.0.0.0:443/shop.example.com`, or a slice of one."""
    listeners = listeners_of(known, configuration["name"])
    if not listeners:
        return
    first = listeners[0]
    secure = first.listener.protocol == "HTTPS"
    yield Frame((), first.owner, first.path, tables.ROUTE_CONFIGURATION if secure else tables.PLAIN_ROUTE_CONFIGURATION)
    for path, host in items(configuration, "virtual_hosts"):
        yield from _host_frames(api, known, path, host, listeners)


def scope_frames(known: Known, scope: Json) -> Iterator[Frame]:
    """Of a ScopedRouteConfiguration, `tcp/0.0.0.0:80/shop.example.com`: the hostname that it leads to routes."""
    for each in listeners_of(known, scope["name"])[:1]:
        yield Frame((), each.owner, each.path, tables.SCOPE)


def listeners_of(known: Known, name: str) -> list[BoundListener]:
    """The listeners that a route configuration serves: all without TLS on one bind, or one with."""
    transport, slash, rest = name.partition("/")
    found = bound_to(known, f"{transport}{slash}{rest.partition('/')[0]}")
    if found is None:
        return []
    bind, listeners = found
    hostname = name.removeprefix(bind.name).removeprefix("/").partition("/")[0]
    secure = [each for each in listeners if each.listener.protocol == "HTTPS"]
    own = [each for each in secure if (each.hostname or "*") == hostname]
    return own or [each for each in listeners if each.listener.protocol == "HTTP"]


def _host_frames(
    api: EnvoyApi, known: Known, path: Path, host: Json, listeners: Sequence[BoundListener]
) -> Iterator[Frame]:
    owner = next((each for each in listeners if host_of(each, listeners)(host)), listeners[0])
    yield Frame(path, owner.owner, owner.path, tables.HOST)
    routes = [(below, route, _rule_of(known, route)) for below, route in items(host, "routes")]
    objects = dict.fromkeys(found.route.key for _, _, found in routes if found is not None)
    for below, domain in items(host, "domains"):
        for key in objects if domain != (owner.hostname or "*") else ():
            route_object = known.world.get(key.kind, key.namespace, key.name)
            if route_object is not None and domain in route_object.model.spec.hostnames:
                at = ("spec", "hostnames", route_object.model.spec.hostnames.index(domain))
                yield itself((*path, *below), route_object, at)
                yield itself((*path, "name"), route_object, at)
                break
    for below, route, found in routes:
        if found is not None:
            yield from _Routes(api, known, found, (*path, *below), route, owner).frames()


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of a route, and its place."""

    route: AuthoredObject
    number: int
    rule: Any

    @property
    def base(self) -> Path:
        return ("spec", "rules", self.number)


def _rule_of(known: Known, route: Json) -> _Rule | None:
    """The rule that a generated route is called after."""
    name = str(route.get("name", ""))
    found = named(known.world, name)
    if found is None or name.count("/") != 3:
        return None
    wanted = name.rpartition("/")[2]
    for number, rule in enumerate(found.model.spec.rules):
        if (rule.name or str(number)) == wanted:
            return _Rule(found, number, rule)
    return None


@dataclass(frozen=True, slots=True)
class _Routes:
    """One Envoy route, `route` at `path`, the rule that it comes from, and the listener that it is made for."""

    api: EnvoyApi
    known: Known
    found: _Rule
    path: Path
    route: Json
    listener: BoundListener

    def frames(self) -> Iterator[Frame]:
        base, rule = self.found.base, self.found.rule
        yield self._frame((), base, tables.ROUTE)
        yield from self._match()
        if rule.session_persistence is not None:
            yield self._frame(
                ("typed_per_filter_config", SESSION_FILTER), (*base, "sessionPersistence"), tables.SESSION
            )
        if isinstance(rule, HTTPRouteRule):
            yield from self._timeout(rule)
        action = self.route.get("route", {})
        weighted = [index for index, ref in enumerate(rule.backend_refs) if ref.weight > 0]
        shares = items(action, "weighted_clusters", "clusters")
        for (below, share), index in zip(shares, weighted, strict=False):
            at: Path = ("route", *below)
            yield self._frame(at, (*base, "backendRefs", index), tables.SHARE)
            yield from self._changes(at, share, self._filters(index))
        yield from self._alone(str(action.get("cluster", "")))

    def _alone(self, cluster: str) -> Iterator[Frame]:
        """Of a route that leads to one backend, or to none."""
        index = next((each for each, ref in enumerate(self.found.rule.backend_refs) if self._leads(ref, cluster)), None)
        filters = self._filters(index)
        if index is not None:
            ref = (*self.found.base, "backendRefs", index)
            yield self._itself(("route", "cluster"), (*ref, "name"))
            yield self._itself(("match", "runtime_fraction", "default_value", "numerator"), (*ref, "weight"))
        yield from self._changes((), self.route, filters)
        yield from self._effects(filters)

    def _leads(self, ref: Any, cluster: str) -> bool:
        name = f"{ref.kind}/{ref.namespace or self.found.route.namespace}/{ref.name}"
        name += f":{ref.port}" if ref.kind == "Service" else ""
        return cluster == name or cluster.startswith(f"{name}/")

    def _filters(self, share: int | None) -> Placed:
        """Those of the rule, and before them those of a backend."""
        base, rule = self.found.base, self.found.rule
        own = [((*base, "filters", index), each) for index, each in enumerate(rule.filters)]
        if share is None:
            return own[::-1]
        at = (*base, "backendRefs", share, "filters")
        theirs = [((*at, index), each) for index, each in enumerate(rule.backend_refs[share].filters)]
        return [*theirs[::-1], *own[::-1]]

    def _match(self) -> Iterator[Frame]:
        matches: Sequence[RouteMatch] = self.found.rule.matches
        made = self.route.get("match", {})
        index = next((each for each, match in enumerate(matches) if self._is_of(match, made)), None)
        if index is None:
            return
        base = (*self.found.base, "matches", index)
        table = tables.CALL if self.found.route.key.kind == "GRPCRoute" else tables.MATCH
        yield self._frame(("match",), base, table)
        authored = [each.name.lower() for each in matches[index].headers]
        for below, header in items(made, "headers"):
            at = ("match", *below)
            if header["name"].lower() in authored:
                where = (*base, "headers", authored.index(header["name"].lower()))
                yield self._frame(at, where, tables.NAME_VALUE)
            elif header["name"].startswith(":"):  # Envoy knows the method as a header
                yield self._frame(at, base, tables.METHOD)
            else:
                yield self._frame(at, (*self.found.base, "sessionPersistence"), tables.COOKIE)
        for number, (below, _) in enumerate(items(made, "query_parameters")):
            yield self._frame(("match", *below), (*base, "queryParams", number), tables.NAME_VALUE)

    def _is_of(self, match: RouteMatch, made: Json) -> bool:
        """Whether a generated match stands for this one: whole, or for one half of its path, and perhaps with more."""
        wanted = to_json(self.api, self.known.messages.make(_ROUTE_MATCH, match_fields(match)))
        wanted.pop("@type")
        prefix = wanted.pop("path_separated_prefix", None)
        halves = [{"path_separated_prefix": prefix}, {"prefix": f"{prefix}/"}, {"path": prefix}] if prefix else [{}]
        headers = wanted.pop("headers", [])
        return (
            any(half.items() <= made.items() for half in halves)
            and all(made.get(key) == value for key, value in wanted.items())
            and list(made.get("headers", ()))[: len(headers)] == headers
        )

    def _timeout(self, rule: HTTPRouteRule) -> Iterator[Frame]:
        """Of two, one request is ended by the shorter."""
        asked = rule.timeouts
        if asked is None or asked.request is None or asked.backend_request is None or rule.retry is not None:
            return
        request_s, backend_s = duration_s(asked.request), duration_s(asked.backend_request)
        field = "backendRequest" if not request_s or 0 < backend_s < request_s else "request"
        for name in ("timeout", "idle_timeout"):
            yield self._itself(("route", name), (*self.found.base, "timeouts", field))

    def _changes(self, at: Path, holder: Json, filters: Placed) -> Iterator[Frame]:
        """Headers that are added and removed, and the Host."""
        for direction in ("request", "response"):
            for below, added in items(holder, f"{direction}_headers_to_add"):
                where = _header_place(filters, direction, added["header"]["key"])
                if where is not None:
                    yield self._frame((*at, *below), where, tables.HEADER)
            for below, name in items(holder, f"{direction}_headers_to_remove"):
                where = _header_place(filters, direction, str(name))
                if where is not None:
                    yield self._itself((*at, *below), where)
        where = _header_place(filters, "request", "host")
        if where is not None:
            host = (*at, "host_rewrite_literal") if at else ("route", "host_rewrite_literal")
            yield self._itself(host, (*where, "value"))

    def _effects(self, filters: Placed) -> Iterator[Frame]:
        """What else filters do."""
        for where, each in reversed(filters):  # what is done last has the last word: its frame is found first
            if each.url_rewrite is not None:
                yield self._frame(("route",), (*where, "urlRewrite"), tables.REWRITE)
            if each.request_redirect is not None:
                yield self._frame(("redirect",), (*where, "requestRedirect"), tables.REDIRECT)
                if each.request_redirect.port is None and each.request_redirect.scheme is None:
                    port = (*self.listener.path, "port")
                    yield itself((*self.path, "redirect", "port_redirect"), self.listener.owner, port)
            if each.cors is not None:
                yield self._frame(("typed_per_filter_config", "envoy.filters.http.cors"), (*where, "cors"), tables.CORS)
        mirrors = [where for where, each in reversed(filters) if each.request_mirror is not None]
        made = items(self.route.get("route", {}), "request_mirror_policies")
        for (below, _), where in zip(made, mirrors, strict=False):
            yield self._frame(("route", *below), (*where, "requestMirror"), tables.MIRROR)

    def _frame(self, at: Path, base: Path, table: tables.Table) -> Frame:
        return Frame((*self.path, *at), self.found.route, base, table)

    def _itself(self, at: Path, path: Path) -> Frame:
        return itself((*self.path, *at), self.found.route, path)


def _header_place(filters: Placed, direction: str, name: str) -> Path | None:
    """Where a change of a header is written, by its name."""
    for where, each in filters:
        modifier = each.request_header_modifier if direction == "request" else each.response_header_modifier
        if modifier is None:
            continue
        names = {
            "set": [one.name.lower() for one in modifier.set],
            "add": [one.name.lower() for one in modifier.add],
            "remove": [one.lower() for one in modifier.remove],
        }
        for action, known in names.items():
            if name.lower() in known:
                return (*where, f"{direction}HeaderModifier", action, known.index(name.lower()))
    return None
