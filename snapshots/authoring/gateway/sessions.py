"""Session persistence: a client's requests go where its first one went, by a cookie or a header. Pure.

Source: Gateway API, SessionPersistence (GEP-1619); Envoy's stateful session filter, which writes the endpoint's address
into the cookie or header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.envoy import Messages, duration
from snapshots.authoring.gateway.header_changes import TOKEN
from snapshots.authoring.gateway.http_matches import RouteMatch, literal_prefix, trimmed
from snapshots.authoring.kinds.http_route import HTTPRouteMatch, SessionPersistence, duration_s

SESSION_FILTER = "envoy.filters.http.stateful_session"
STATEFUL_SESSION = "envoy.extensions.filters.http.stateful_session.v3.StatefulSession"
_PER_ROUTE = "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute"
_COOKIE = "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState"
_HEADER = "envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState"


@dataclass(frozen=True, slots=True)
class Session:
    """The session of one rule, or of one of its backends: what it is called, and how it is kept."""

    name: str
    persistence: SessionPersistence

    @property
    def by_cookie(self) -> bool:
        return self.persistence.type == "Cookie"

    def at(self, backend: str) -> Session:
        """The session at one of several backends. The name tells which: the cookie holds no more than an address."""
        return Session(f"{self.name}-{_short(backend)}", self.persistence)


def session_of(persistence: SessionPersistence, rule: str) -> Session:
    """`rule` names the rule of all: sessions without a name of their own are called after it."""
    return Session(persistence.session_name or f"fairlead-{_short(rule)}", persistence)


def session_fields(messages: Messages, session: Session, match: RouteMatch, scheme: str) -> dict[str, Any]:
    """What a Route's typed_per_filter_config needs: the filter's name and a packed StatefulSessionPerRoute."""
    if session.by_cookie:
        state = messages.extension("envoy.http.stateful_session.cookie", _COOKIE, _cookie(session, match, scheme))
    else:
        state = messages.extension("envoy.http.stateful_session.header", _HEADER, {"name": session.name})
    return {SESSION_FILTER: messages.packed(_PER_ROUTE, {"stateful_session": {"session_state": state}})}


def session_problems(persistence: SessionPersistence) -> Iterator[str]:
    """Why a session cannot be called what it is called: cookies and headers have the same characters."""
    if persistence.session_name and not TOKEN.fullmatch(persistence.session_name):
        yield f'"{persistence.session_name}" cannot be the name of a cookie or header'


def session_losses(persistence: SessionPersistence, backends: int) -> Iterator[tuple[str, str]]:
    """What is asked for and not done: the field, and how far it is done."""
    cookie = persistence.cookie_config
    if cookie is not None and cookie.lifetime_type == "Session" and persistence.absolute_timeout is not None:
        yield "cookieConfig", "a cookie with an absoluteTimeout lasts until then, and not for the client's session"
    if persistence.type == "Header" and persistence.absolute_timeout is not None:
        yield "absoluteTimeout", "a session by header has no end; use a cookie for one that has"
    if persistence.type == "Header" and backends > 1:
        yield "type", "a session by header is kept within one backend; use a cookie to keep it across several"


def _cookie(session: Session, match: RouteMatch, scheme: str) -> dict[str, Any]:
    """HttpOnly is Envoy's own doing. A cookie that is Secure would not come back over plain HTTP."""
    attributes = [{"name": "SameSite", "value": "Strict"}, *([{"name": "Secure"}] if scheme == "https" else [])]
    fields: dict[str, Any] = {"name": session.name, "path": _path(match), "attributes": attributes}
    if session.persistence.absolute_timeout is not None:
        fields["ttl"] = duration(duration_s(session.persistence.absolute_timeout))
    return {"cookie": fields}


def _path(match: RouteMatch) -> str:
    """The session is that of the path that was matched, of an expression as far as it is plain."""
    if not isinstance(match, HTTPRouteMatch):
        return "/"
    if match.path.type == "RegularExpression":
        return literal_prefix(match.path.value)
    return trimmed(match.path.value) or "/"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
