"""Redirects and rewrites of requests: what becomes of their scheme, host, port and path. Pure.

Source: Gateway API, HTTPRequestRedirectFilter, HTTPURLRewriteFilter and HTTPPathModifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.http_matches import trimmed
from snapshots.authoring.kinds.filters import PathModifier, RequestRedirect, URLRewrite

_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where requests come in: the listener's port, and `http` or `https`."""

    port: int
    scheme: str


def redirect_fields(redirect: RequestRedirect, matched_prefix: str, entrance: Entrance) -> dict[str, Any]:
    """The fields of an envoy.config.route.v3.RedirectAction. `matched_prefix` is empty where no prefix is matched."""
    fields: dict[str, Any] = {"response_code": _CODES[redirect.status_code]}
    if redirect.scheme is not None:
        fields["scheme_redirect"] = redirect.scheme
    if redirect.hostname is not None:
        fields["host_redirect"] = redirect.hostname
    port = _redirect_port(redirect, entrance)
    if port is not None:
        fields["port_redirect"] = port
    if redirect.path is not None and redirect.path.type == "ReplaceFullPath":
        fields["path_redirect"] = _absolute(redirect.path.replace_full_path or "")
    elif redirect.path is not None:
        fields |= _replaced_prefix(redirect.path, matched_prefix)
    return fields


def _redirect_port(redirect: RequestRedirect, entrance: Entrance) -> int | None:
    """The port to name. A scheme's own is left out, as the standard wants it, where clients name none either: Envoy
    keeps the port of the Host that they sent."""
    scheme = redirect.scheme or entrance.scheme
    fallback = _DEFAULT_PORTS[scheme] if redirect.scheme is not None else entrance.port
    port = redirect.port if redirect.port is not None else fallback
    unnamed = entrance.port == _DEFAULT_PORTS[entrance.scheme]
    return None if port == _DEFAULT_PORTS[scheme] and unnamed else port


def rewrite_fields(rewrite: URLRewrite, matched_prefix: str) -> dict[str, Any]:
    """Fields of an envoy.config.route.v3.RouteAction."""
    fields: dict[str, Any] = {}
    if rewrite.hostname is not None:
        fields["host_rewrite_literal"] = rewrite.hostname
    if rewrite.path is not None and rewrite.path.type == "ReplaceFullPath":
        path = _absolute(rewrite.path.replace_full_path or "")
        # A backslash before a digit would stand for a part of what was matched.
        whole = {"pattern": {"regex": "^/.*$"}, "substitution": path.replace("\\", "\\\\")}
        fields["regex_rewrite"] = whole
    elif rewrite.path is not None:
        fields |= _replaced_prefix(rewrite.path, matched_prefix)
    return fields


def path_problems(path: PathModifier) -> Iterator[tuple[str, str]]:
    """Why a path cannot be put in the place of another: the field, and what is wrong with it."""
    values = {"replaceFullPath": path.replace_full_path, "replacePrefixMatch": path.replace_prefix_match}
    for name, value in values.items():
        if not _PRINTABLE.fullmatch(value or ""):
            yield name, "a path has printable ASCII characters only; percent-encode the others"


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def takes_prefix_away(path: PathModifier | None, matched: str) -> bool:
    """Whether nothing is put in a prefix's place. Of `/foo`, `/foo/bar` becomes `/bar` and `/foo` becomes `/`: what
    follows must be matched with its slash, or Envoy would make `//bar` of the first."""
    if path is None or path.type != "ReplacePrefixMatch":
        return False
    return bool(trimmed(matched)) and not trimmed(path.replace_prefix_match or "")


def _replaced_prefix(path: PathModifier, matched: str) -> dict[str, Any]:
    """Whole elements are replaced, and slashes at the end ignored: of `/foo` by `/xyz/`, `/foo/bar` -> `/xyz/bar`."""
    replacement = trimmed(path.replace_prefix_match or "")
    replacement = _absolute(replacement) if replacement else ""
    return {"prefix_rewrite": replacement if replacement and trimmed(matched) else f"{replacement}/"}
