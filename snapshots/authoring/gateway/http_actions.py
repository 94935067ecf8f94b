"""One rule -> what Envoy does with the requests that it matches: forward, split, redirect or refuse them. Pure.

Source: Gateway API, HTTPRouteRule "filters" and "backendRefs"; GRPCRouteRule has the same under other codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.cors import CORS_FILTER, cors_policy
from snapshots.authoring.gateway.envoy import NO_BACKEND, Messages, duration
from snapshots.authoring.gateway.guards import Guard, guard_filter, turned_on
from snapshots.authoring.gateway.header_changes import Changes, change_fields, changes, composed, host
from snapshots.authoring.gateway.http_matches import RouteMatch, match_fields
from snapshots.authoring.gateway.http_rules import Filters, Mirror, ResolvedRule, Share
from snapshots.authoring.gateway.paths import Entrance, redirect_fields, rewrite_fields, takes_prefix_away
from snapshots.authoring.gateway.retries import patience_fields
from snapshots.authoring.gateway.sessions import Session, session_fields, session_of
from snapshots.authoring.kinds.filters import CORS, RequestRedirect, URLRewrite
from snapshots.authoring.kinds.http_route import HTTPRouteMatch, HTTPRouteRule
from snapshots.authoring.objects import AuthoredObject

Fields = dict[str, Any]
_MILLION = 1_000_000
# Envoy tells gRPC clients UNAVAILABLE for a 503.
_HTTP_MISSING, _GRPC_MISSING = 500, 503
# What a share of an Envoy route can do by itself. For more, each share needs a route of its own.
_OF_A_SHARE = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier"})


@dataclass(frozen=True, slots=True)
class Effects:
    """What filters come to. A later filter of a kind takes the place of an earlier; headers are changed by both."""

    request: Changes = ()
    response: Changes = ()
    redirect: RequestRedirect | None = None
    rewrite: URLRewrite | None = None
    cors: CORS | None = None
    mirrors: tuple[Mirror, ...] = ()
    refused: bool = False
    guards: tuple[Guard, ...] = ()

    def then(self, filters: Filters) -> Effects:
        """These, and after them `filters`."""
        done = replace(
            self,
            mirrors=(*self.mirrors, *filters.mirrors),
            guards=(*self.guards, *filters.guards),
            refused=self.refused or filters.refused,
        )
        for each in filters.all:
            done = replace(
                done,
                request=composed(done.request, changes(each.request_header_modifier)),
                response=composed(done.response, changes(each.response_header_modifier)),
                redirect=each.request_redirect or done.redirect,
                rewrite=_rewritten(done.rewrite, each.url_rewrite),
                cors=each.cors or done.cors,
            )
        return done


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done with the requests that fulfil a condition besides the match. `bare`: nothing takes the place of the
    prefix that is matched, so that it and what follows it are matched one by one."""

    fields: Fields
    condition: Fields
    bare: bool = False


@dataclass(frozen=True, slots=True)
class RuleActions:
    """Makes the Envoy routes of one rule. `name` is the rule's; `cluster` says which cluster leads to a backend.

    `missing`: what clients are answered where a backend should be and is none.
    """

    messages: Messages
    name: str
    resolved: ResolvedRule
    effects: Effects
    entrance: Entrance
    cluster: Callable[[BackendTarget], str]
    missing: int

    def routes(self, match: RouteMatch) -> Iterator[Fields]:
        """The fields of the Routes that stand for one match; each gets what those before it leave."""
        for choice in self._choices(match):
            for matched in _halves(match) if choice.bare else (match_fields(match),):
                yield {"name": self.name, "match": _both(matched, choice.condition)} | choice.fields

    def _choices(self, match: RouteMatch) -> Iterator[Choice]:
        shares = self.resolved.shares
        weighted = [share for share in shares if share.ref.weight > 0]
        persistence = self.resolved.rule.session_persistence
        session = session_of(persistence, self.name) if persistence is not None else None
        if self.effects.refused or self.effects.redirect is not None or not weighted:
            yield self._one(match, self.effects)
        elif session is not None and session.by_cookie and len(shares) > 1:
            yield from self._kept(match, session)
            yield from self._split(match, weighted, session)
        elif len(weighted) == 1:
            yield self._one(match, self.effects.then(weighted[0].filters), weighted[0], session)
        elif any(each.type not in _OF_A_SHARE for share in weighted for each in share.filters.all):
            yield from self._split(match, weighted, session)
        elif all(self._leads_to(share) == NO_BACKEND for share in weighted):
            yield self._one(match, self.effects)
        else:
            yield self._weighted(match, weighted, session)

    def _leads_to(self, share: Share | None) -> str:
        return NO_BACKEND if share is None or share.target is None else self.cluster(share.target)

    def _kept(self, match: RouteMatch, session: Session) -> Iterator[Choice]:
        """Requests of a session go where it began, whatever the weights.  GEP-1619, "Traffic Splitting"."""
        for share in self.resolved.shares:
            cluster = self._leads_to(share)
            if cluster != NO_BACKEND:
                kept = session.at(cluster)
                cookie = {"name": "cookie", "string_match": {"contains": f"{kept.name}="}}
                yield self._one(match, self.effects.then(share.filters), share, kept, {"headers": [cookie]})

    def _split(self, match: RouteMatch, weighted: Sequence[Share], session: Session | None) -> Iterator[Choice]:
        """A route for each share. Envoy draws one number for a request and holds it against the routes in turn."""
        total = sum(share.ref.weight for share in weighted)
        for share, upto in zip(weighted, accumulate(share.ref.weight for share in weighted), strict=True):
            kept = session.at(self._leads_to(share)) if session is not None and session.by_cookie else session
            below = {"numerator": round(upto / total * _MILLION), "denominator": "MILLION"}
            drawn = {"runtime_fraction": {"default_value": below}} if upto < total else {}
            yield self._one(match, self.effects.then(share.filters), share, kept, drawn)

    def _one(
        self,
        match: RouteMatch,
        effects: Effects,
        share: Share | None = None,
        session: Session | None = None,
        condition: Fields | None = None,
    ) -> Choice:
        """All requests alike: to one backend, to another place, or refused."""
        cluster = self._leads_to(share)
        if effects.redirect is not None and not effects.refused:
            action: Fields = {"redirect": redirect_fields(effects.redirect, _prefix(match), self.entrance)}
        elif effects.refused or cluster == NO_BACKEND:
            action = {"direct_response": {"status": self.missing}}
        else:
            action = {"route": {"cluster": cluster} | _host_fields(effects) | self._forward(match, effects)}
        told = self._filters(match, effects, session if "route" in action else None)
        bare = "direct_response" not in action and _bare(effects, match)
        return Choice(action | _header_fields(effects) | told, condition or {}, bare)

    def _weighted(self, match: RouteMatch, weighted: Sequence[Share], session: Session | None) -> Choice:
        """By weight, in one route. For a share that leads nowhere Envoy answers, which finds no cluster."""
        action: Fields = {"weighted_clusters": {"clusters": [self._part(share) for share in weighted]}}
        if self.missing == _HTTP_MISSING:
            action["cluster_not_found_response_code"] = "INTERNAL_SERVER_ERROR"
        forward = {"route": action | self._forward(match, self.effects)}
        return Choice(forward | self._filters(match, self.effects, session), {}, _bare(self.effects, match))

    def _part(self, share: Share) -> Fields:
        """A share with all changes of headers, the rule's too: Envoy would make the rule's after its own."""
        effects = self.effects.then(share.filters)
        fields: Fields = {"name": self._leads_to(share), "weight": {"value": share.ref.weight}}
        return fields | _host_fields(effects) | _header_fields(effects)

    def _forward(self, match: RouteMatch, effects: Effects) -> Fields:
        """Fields of a RouteAction besides where it leads."""
        fields = rewrite_fields(effects.rewrite, _prefix(match)) if effects.rewrite is not None else {}
        if effects.mirrors:
            fields["request_mirror_policies"] = [self._mirror(each) for each in effects.mirrors]
        rule = self.resolved.rule
        return fields | (patience_fields(rule) if isinstance(rule, HTTPRouteRule) else {"timeout": duration(0)})

    def _mirror(self, mirror: Mirror) -> Fields:
        part = {"numerator": mirror.parts, "denominator": "MILLION"}
        return {
            "cluster": self.cluster(mirror.target),
            "runtime_fraction": {"default_value": part},
            # The copy is the request as it is: Envoy would add -shadow to its Host.
            "disable_shadow_host_suffix_append": True,
        }

    def _filters(self, match: RouteMatch, effects: Effects, session: Session | None) -> Fields:
        """What HTTP filters are told of the route."""
        told: Fields = {}
        if session is not None:
            told |= session_fields(self.messages, session, match, self.entrance.scheme)
        if effects.cors is not None:
            told[CORS_FILTER] = cors_policy(self.messages, effects.cors)
        for each in effects.guards:
            told[guard_filter(self.messages, each, self.cluster(each.target))["name"]] = turned_on(self.messages)
        return {"typed_per_filter_config": told} if told else {}


def rule_actions(
    messages: Messages,
    route: AuthoredObject,
    resolved: ResolvedRule,
    entrance: Entrance,
    cluster: Callable[[BackendTarget], str],
) -> RuleActions:
    """What makes the routes of one rule of `route`."""
    name = f"{route.key.kind}/{route.namespace}/{route.name}/{resolved.rule.name or resolved.number}"
    missing = _HTTP_MISSING if route.key.kind == "HTTPRoute" else _GRPC_MISSING
    return RuleActions(messages, name, resolved, Effects().then(resolved.filters), entrance, cluster, missing)


def _rewritten(first: URLRewrite | None, then: URLRewrite | None) -> URLRewrite | None:
    """Both, one after the other: hostname and path are rewritten each for itself."""
    if first is None or then is None:
        return then or first
    return URLRewrite(hostname=then.hostname or first.hostname, path=then.path or first.path)


def _header_fields(effects: Effects) -> Fields:
    return change_fields("request", effects.request) | change_fields("response", effects.response)


def _prefix(match: RouteMatch) -> str:
    """The path prefix that is matched, if one is."""
    return match.path.value if isinstance(match, HTTPRouteMatch) and match.path.type == "PathPrefix" else ""


def _host_fields(effects: Effects) -> Fields:
    name = host(effects.request)
    return {"host_rewrite_literal": name} if name is not None else {}


def _bare(effects: Effects, match: RouteMatch) -> bool:
    changed = effects.redirect or effects.rewrite
    return changed is not None and takes_prefix_away(changed.path, _prefix(match))


def _halves(match: RouteMatch) -> Iterator[Fields]:
    """What follows a prefix, with its slash, and the prefix alone."""
    fields = match_fields(match)
    prefix = fields.pop("path_separated_prefix")
    yield fields | {"prefix": f"{prefix}/"}
    yield fields | {"path": prefix}


def _both(match: Fields, condition: Fields) -> Fields:
    return match | condition | {"headers": [*match["headers"], *condition.get("headers", ())]}
