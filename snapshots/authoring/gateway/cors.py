"""CORS: which pages of other origins may read answers, as Envoy's CORS filter is told. Pure.

Source: Gateway API, HTTPCORSFilter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.regexes import regex_problem
from snapshots.authoring.kinds.filters import CORS

CORS_FILTER = "envoy.filters.http.cors"
_POLICY = "envoy.extensions.filters.http.cors.v3.CorsPolicy"
# Browsers leave the port of a scheme out.
_DEFAULT_PORT = re.compile(r"^(http://.*):80$|^(https://.*):443$")


def cors_policy(messages: Messages, cors: CORS) -> dict[str, Any]:
    """A packed CorsPolicy. A preflight of an origin that is not allowed is answered without the headers."""
    fields: dict[str, Any] = {
        "allow_origin_string_match": [_origin(each) for each in cors.allow_origins],
        "allow_methods": ",".join(cors.allow_methods),
        "allow_headers": ",".join(cors.allow_headers),
        "expose_headers": ",".join(_exposed(cors)),
        "max_age": str(cors.max_age),
        "allow_credentials": {"value": cors.allow_credentials},
        "forward_not_matching_preflights": {"value": False},
    }
    return messages.packed(_POLICY, fields)


def _exposed(cors: CORS) -> tuple[str, ...]:
    """With credentials, `*` would mean a header of that name, and the standard forbids it."""
    return () if cors.allow_credentials and "*" in cors.expose_headers else cors.expose_headers


def origin_problems(origin: str) -> Iterator[str]:
    """Why Envoy would not take an origin."""
    expression = _origin(origin).get("safe_regex")
    why = regex_problem(expression["regex"]) if expression is not None else ""
    if why:
        yield f'the origin "{origin}" cannot be compared: {why}'


def _origin(origin: str) -> dict[str, Any]:
    if origin == "*":
        return {"safe_regex": {"regex": ".*"}}
    found = _DEFAULT_PORT.match(origin)
    plain = (found.group(1) or found.group(2)) if found else origin
    if "*" not in plain:
        return {"exact": plain}
    # A wildcard stands for labels of a host, however many, and not for a port.
    return {"safe_regex": {"regex": "[^:/]*".join(re.escape(part) for part in plain.split("*"))}}
