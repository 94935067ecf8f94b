"""One domain may stand once in a route configuration, also in one written inside a listener: Envoy rejects the whole
otherwise ("Only unique values for domains are permitted"), and compares without regard to case. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from api.envoy.messages import child_fields, children
from api.envoy.problem import DEPTH_LIMIT, Path, Problem, path_text
from api.envoy.registry import EnvoyApi
from snapshots.codes import DOMAIN_TWICE

_ROUTE_CONFIGURATION = "envoy.config.route.v3.RouteConfiguration"
_VIRTUAL_HOST = "envoy.config.route.v3.VirtualHost"
# Types that hold no route configuration, and are frequent or large: not looked into.
_WITHOUT = frozenset({"envoy.config.cluster.v3.Cluster", "envoy.config.endpoint.v3.ClusterLoadAssignment"})

# The path of each virtual host, and its domains.
Hosts = Sequence[tuple[Path, Sequence[str]]]


def duplicate_domains(api: EnvoyApi, message: Message) -> tuple[Problem, ...]:
    """Every domain in `message` that stood in the same route configuration or virtual host before."""
    if message.DESCRIPTOR.full_name in _WITHOUT:
        return ()
    return tuple(problem for path, hosts in _hosts(api, message, (), 1) for problem in _repeated(path, hosts))


def _hosts(api: EnvoyApi, message: Any, path: Path, depth: int) -> Iterator[tuple[Path, Hosts]]:
    """For each route configuration in `message`: its path, and the path and domains of each of its virtual hosts."""
    kind = message.DESCRIPTOR.full_name
    if kind == _ROUTE_CONFIGURATION:
        hosts = enumerate(message.virtual_hosts)
        yield path, [((*path, "virtual_hosts", index), host.domains) for index, host in hosts]
    elif kind == _VIRTUAL_HOST:
        yield path, [(path, message.domains)]
    elif depth < DEPTH_LIMIT:
        for step, child in children(api, message, child_fields(message.DESCRIPTOR)):
            yield from _hosts(api, child, (*path, *step), depth + 1)


def _repeated(path: Path, hosts: Hosts) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for prefix, domains in hosts:
        for index, domain in enumerate(domains):
            here = (*prefix, "domains", index)
            before = first.setdefault(domain.lower(), here)
            if before != here:
                place = path_text(before[len(path) :])
                text = f'the domain "{domain}" is already in {place}; Envoy rejects the whole configuration'
                yield Problem(here, text, "each domain may stand in one virtual host, once", DOMAIN_TWICE)
