"""EnvoyPatches for tests, and what is looked at when they have been done."""

from __future__ import annotations

from typing import Any

from snapshots.authoring.compile import Compilation
from tests.gateways import Object, a_backend, a_gateway, a_route, an_object, made, names_made, to_backend

FILTERS = "/http_filters"
GATEWAY, ROUTE, BACKEND = (
    {"kind": "Gateway", "name": "edge"},
    {"kind": "HTTPRoute", "name": "web"},
    {"kind": "Backend", "name": "carts"},
)
ANSWERS = {"responseHeadersToAdd": [{"header": {"key": "x-patched", "value": "yes"}}]}


def a_patch(target: Object, part: str, name: str = "patch", **spec: Any) -> Object:
    return an_object("EnvoyPatch", name, spec={"target": target, "part": part, **spec})


def a_site(*more: Object) -> tuple[Object, ...]:
    return (a_gateway(), a_route("web", to_backend()), a_backend(), *more)


def said(found: Compilation) -> list[tuple[str, str]]:
    """(code, field) of what concerns patches."""
    return [(each.code, each.field) for each in found.findings if each.resource.startswith("EnvoyPatch")]


def hosts(found: Compilation) -> list[Object]:
    """All virtual hosts that are served, whatever resource they are in."""
    own = [made(found, "VirtualHost", name) for name in names_made(found, "VirtualHost")]
    inside = [made(found, "RouteConfiguration", name) for name in names_made(found, "RouteConfiguration")]
    return own + [host for each in inside for host in each.get("virtual_hosts", ())]


def routes(found: Compilation) -> dict[str, list[Object]]:
    """Routes by the name of their rule."""
    by_name: dict[str, list[Object]] = {}
    for each in (route for host in hosts(found) for route in host.get("routes", ())):
        by_name.setdefault(each["name"], []).append(each)
    return by_name


def op(name: str, path: str, **fields: Any) -> Object:
    return {"op": name, "path": path, **fields}
