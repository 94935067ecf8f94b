"""Routes of a virtual host, as Envoy writes them, that can never be asked: Envoy takes the first that matches. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from api.envoy.problem import Path, Problem
from api.envoy.registry import EnvoyApi
from snapshots.checks.hosts import route_configurations
from snapshots.checks.shadowing import Condition, Demand, PathKind, shadowed
from snapshots.codes import ROUTE_SHADOWED

_PATHS: dict[str, PathKind] = {"prefix": "prefix", "path": "exact", "path_separated_prefix": "segments"}
_PATH_SPECIFIER = "path_specifier"


def shadowed_routes(api: EnvoyApi, message: Message) -> tuple[Problem, ...]:
    """A warning for every route in `message` whose requests a route before it takes, in the same virtual host."""
    hosts = (each for _, found in route_configurations(api, message) for each in found)
    return tuple(problem for path, host in hosts for problem in _never_asked(path, host))


def _never_asked(path: Path, host: Any) -> Iterator[Problem]:
    demands = [demand_of(route.match) for route in host.routes]
    for number, before in shadowed(demands):
        text = f"can never match: routes[{before}] goes first and takes all of its requests"
        hint = "remove one of the two" if demands[number] == demands[before] else f"put it before routes[{before}]"
        here, there = (*path, "routes", number, "match"), (*path, "routes", before, "match")
        yield Problem(here, f"routes[{number}] {text}", hint, ROUTE_SHADOWED, "warning", there)


def demand_of(match: Any) -> Demand:
    """What an envoy.config.route.v3.RouteMatch asks of a request."""
    conditions: set[Condition] = set()
    specifier = match.WhichOneof(_PATH_SPECIFIER) or ""
    for field, value in match.ListFields():
        if field.name not in (specifier, "case_sensitive"):
            conditions.update((field.name, _text(each)) for each in (value if field.is_repeated else (value,)))
    kind = _PATHS.get(specifier)
    if kind is None:
        return _in_another_way(specifier, getattr(match, specifier, None), frozenset(conditions))
    ignores_case = match.HasField("case_sensitive") and not match.case_sensitive.value
    return Demand(kind, getattr(match, specifier), frozenset(conditions), ignores_case)


def _in_another_way(specifier: str, value: Any, conditions: frozenset[Condition]) -> Demand:
    if specifier == "safe_regex":
        return Demand("regex", value.regex, conditions)
    return Demand("other", f"{specifier} {_text(value)}", conditions)


def _text(value: Any) -> str:
    """The same for equal messages."""
    return value.SerializeToString(deterministic=True).hex() if isinstance(value, Message) else str(value)
