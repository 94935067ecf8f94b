"""Rules of HTTPRoute and GRPCRoute -> Envoy routes, each with what decides which goes first. Pure.

A rule whose backends are wrong answers 500 for their share, as the standard says; so nothing else falls with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from snapshots.authoring.gateway.backends import Backends, BackendTarget, Protocol
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import NO_BACKEND, Messages, duration
from snapshots.authoring.gateway.http_filters import (
    CORS_FILTER,
    cors_policy,
    header_fields,
    redirect_fields,
    rewrite_fields,
)
from snapshots.authoring.gateway.http_matches import (
    Specificity,
    grpc_match,
    grpc_specificity,
    http_match,
    http_specificity,
)
from snapshots.authoring.gateway.world import precedence
from snapshots.authoring.kinds.filters import Filter
from snapshots.authoring.kinds.grpc_route import GRPCRouteMatch
from snapshots.authoring.kinds.http_route import HTTPBackendRef, HTTPRouteMatch, HTTPRouteRule, duration_s
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import FILTER_UNSUPPORTED


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One Envoy route. The greatest `specificity` goes first, then the smallest `place` (age, name, rule, match)."""

    specificity: Specificity
    place: tuple[Any, ...]
    fields: dict[str, Any]

    @property
    def order(self) -> tuple[Any, ...]:
        return (tuple(-each for each in self.specificity), self.place)


@dataclass(frozen=True, slots=True)
class Where:
    """The listener that a route is made for: redirects name its port and scheme; its Gateway may show backends a
    certificate."""

    port: int
    scheme: str
    client_certificate: str = ""


@dataclass(slots=True)
class HttpRoutes:
    """Makes the entries of routes. A reference is resolved, and complained of, once for each route."""

    messages: Messages
    backends: Backends
    complaints: Complaints
    _shares: dict[tuple[Any, ...], tuple[_Share, ...]] = field(default_factory=dict)
    _mirrors: dict[tuple[Any, ...], BackendTarget | Complaint] = field(default_factory=dict)

    def entries(self, route: AuthoredObject, where: Where) -> tuple[RouteEntry, ...]:
        """All Envoy routes of an HTTPRoute or GRPCRoute, as listener `where` serves it."""
        return tuple(self._entries(route, where))

    def _entries(self, route: AuthoredObject, where: Where) -> Iterator[RouteEntry]:
        is_grpc = route.key.kind == "GRPCRoute"
        for number, rule in enumerate(route.model.spec.rules):
            action = _Action(self, route, rule, ("spec", "rules", number), where)
            for index, match in enumerate(rule.matches or (GRPCRouteMatch(),)):
                place = (*precedence(route), route.key.kind, number, index)
                name = f"{route.key.kind}/{route.namespace}/{route.name}/{rule.name or number}"
                fields = {"name": name, "match": grpc_match(match) if is_grpc else http_match(match)}
                rank = grpc_specificity(match) if is_grpc else http_specificity(match)
                yield RouteEntry(rank, place, fields | action.fields(match))

    def resolve(self, route: AuthoredObject) -> None:
        """Look every reference of a route up, though no listener serves it: its status tells of them all the same."""
        self.entries(route, Where(80, "http"))

    def shares(self, route: AuthoredObject, refs: Sequence[HTTPBackendRef], at: Path) -> tuple[_Share, ...]:
        key = (route.key, at)
        if key not in self._shares:
            self._shares[key] = tuple(
                _Share(ref, self._resolved(route, ref, (*at, index)), (*at, index)) for index, ref in enumerate(refs)
            )
        return self._shares[key]

    def shown(self, share: _Share, client_certificate: str) -> _Share:
        """The share, its backend shown the certificate of the Gateway that the request came through."""
        if not client_certificate or not isinstance(share.target, BackendTarget):
            return share
        return replace(share, target=self.backends.presenting(share.target, client_certificate))

    def mirrors(
        self, route: AuthoredObject, filters: Iterable[Filter], at: Path, client_certificate: str = ""
    ) -> Iterator[dict[str, Any]]:
        for index, each in enumerate(filters):
            mirror = each.request_mirror
            if mirror is None:
                continue
            here = (*at, index, "requestMirror", "backendRef")
            if (route.key, here) not in self._mirrors:
                self._mirrors[(route.key, here)] = self._resolved(route, mirror.backend_ref, here)
            target = self._mirrors[(route.key, here)]
            if isinstance(target, BackendTarget):
                target = self.backends.presenting(target, client_certificate)
                yield {"cluster": target.cluster, "runtime_fraction": {"default_value": _share_of(each)}}

    def unsupported(self, route: AuthoredObject, filters: Sequence[Filter], at: Path) -> bool:
        """Whether a filter is one that we do not know: requests must not pass as if it were not there."""
        found = [index for index, each in enumerate(filters) if each.type == "ExtensionRef"]
        for index in found:
            text = "no extension filters are known"
            complaint = Complaint(route, (*at, index, "extensionRef"), FILTER_UNSUPPORTED, "UnsupportedValue", text)
            if complaint not in self.complaints.found:
                self.complaints.add(complaint)
        return bool(found)

    def _resolved(self, route: AuthoredObject, ref: Any, at: Path) -> BackendTarget | Complaint:
        protocol: Protocol = "h2c" if route.key.kind == "GRPCRoute" else "http"
        found = self.backends.resolve(route, ref, at, protocol)
        if isinstance(found, Complaint):
            self.complaints.add(found)
        return found


@dataclass(frozen=True, slots=True)
class _Share:
    """One backendRef, and what it leads to."""

    ref: HTTPBackendRef
    target: BackendTarget | Complaint
    path: Path

    @property
    def cluster(self) -> str:
        return self.target.cluster if isinstance(self.target, BackendTarget) else NO_BACKEND


def _share_of(each: Filter) -> dict[str, Any]:
    """How much is mirrored: an envoy.type.v3.FractionalPercent."""
    assert each.request_mirror is not None
    mirror = each.request_mirror
    if mirror.fraction is not None:
        parts = round(mirror.fraction.numerator / mirror.fraction.denominator * 1_000_000)
        return {"numerator": parts, "denominator": "MILLION"}
    return {"numerator": 100 if mirror.percent is None else mirror.percent}


@dataclass(frozen=True, slots=True)
class _Action:
    """What one rule does with what it matches."""

    routes: HttpRoutes
    route: AuthoredObject
    rule: Any
    path: Path
    where: Where

    def fields(self, match: HTTPRouteMatch | GRPCRouteMatch) -> dict[str, Any]:
        """Fields of an envoy.config.route.v3.Route besides its match."""
        filters = self.rule.filters
        fields = header_fields(filters)
        prefix = match.path.value if isinstance(match, HTTPRouteMatch) and match.path.type == "PathPrefix" else ""
        if self.routes.unsupported(self.route, filters, (*self.path, "filters")):
            return fields | {"direct_response": {"status": 500}}
        redirect = next((each.request_redirect for each in filters if each.request_redirect), None)
        if redirect is not None:
            found = redirect_fields(redirect, prefix, self.where.port, self.where.scheme)
            return fields | {"redirect": found} | self._cors()
        return fields | self._forwarding(prefix) | self._cors()

    def _cors(self) -> dict[str, Any]:
        cors = next((each.cors for each in self.rule.filters if each.cors), None)
        if cors is None:
            return {}
        return {"typed_per_filter_config": {CORS_FILTER: cors_policy(self.routes.messages, cors)}}

    def _forwarding(self, prefix: str) -> dict[str, Any]:
        found = self.routes.shares(self.route, self.rule.backend_refs, (*self.path, "backendRefs"))
        shares = [self.routes.shown(share, self.where.client_certificate) for share in found]
        weighted = [share for share in shares if share.ref.weight > 0]
        if not any(share.cluster != NO_BACKEND for share in weighted):
            # No backend, only wrong ones, or all weights zero: the standard's answer is 500.
            return {"direct_response": {"status": 500}}
        action: dict[str, Any] = _destinations(weighted)
        for each in self.rule.filters:
            if each.url_rewrite is not None:
                action |= rewrite_fields(each.url_rewrite, prefix)
        mirrors = list(
            self.routes.mirrors(self.route, self.rule.filters, (*self.path, "filters"), self.where.client_certificate)
        )
        if mirrors:
            action["request_mirror_policies"] = mirrors
        if isinstance(self.rule, HTTPRouteRule):
            action |= _timeouts(self.rule) | _retries(self.rule)
        else:
            action["timeout"] = duration(0)
        return {"route": action}


def _destinations(weighted: Sequence[_Share]) -> dict[str, Any]:
    """One cluster, or several by weight. A wrong one answers 500 for its share."""
    if len(weighted) == 1 and not weighted[0].ref.filters:
        return {"cluster": weighted[0].cluster}
    parts = [
        {"name": share.cluster, "weight": {"value": share.ref.weight}} | header_fields(share.ref.filters)
        for share in weighted
    ]
    fields: dict[str, Any] = {"weighted_clusters": {"clusters": parts}}
    if any(share.cluster == NO_BACKEND for share in weighted):
        fields["cluster_not_found_response_code"] = "INTERNAL_SERVER_ERROR"
    return fields


def _timeouts(rule: HTTPRouteRule) -> dict[str, Any]:
    """Envoy's default of 15 s is not the standard's, which has none."""
    timeouts = rule.timeouts
    whole = duration_s(timeouts.request) if timeouts and timeouts.request else 0.0
    each = duration_s(timeouts.backend_request) if timeouts and timeouts.backend_request else 0.0
    fields: dict[str, Any] = {"timeout": duration(whole or (0.0 if rule.retry else each))}
    return fields


def _retries(rule: HTTPRouteRule) -> dict[str, Any]:
    retry = rule.retry
    if retry is None:
        return {}
    policy: dict[str, Any] = {
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "num_retries": {"value": retry.attempts if retry.attempts is not None else 1},
        "retriable_status_codes": list(retry.codes),
    }
    if rule.timeouts is not None and rule.timeouts.backend_request is not None:
        policy["per_try_timeout"] = duration(duration_s(rule.timeouts.backend_request))
    if retry.backoff is not None:
        policy["retry_back_off"] = {"base_interval": duration(duration_s(retry.backoff))}
    return {"retry_policy": policy}
