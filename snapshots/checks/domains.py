"""One domain may stand once in a route configuration, also in one written inside a listener: Envoy rejects the whole
otherwise ("Only unique values for domains are permitted"), and compares without regard to case. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from api.envoy.problem import Path, Problem, path_text
from api.envoy.registry import EnvoyApi
from snapshots.checks.hosts import Hosts, route_configurations
from snapshots.codes import DOMAIN_TWICE


def duplicate_domains(api: EnvoyApi, message: Message) -> tuple[Problem, ...]:
    """Every domain in `message` that stood in the same route configuration or virtual host before."""
    return tuple(problem for path, hosts in route_configurations(api, message) for problem in _repeated(path, hosts))


def _repeated(path: Path, hosts: Hosts) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for prefix, host in hosts:
        for index, domain in enumerate(host.domains):
            here = (*prefix, "domains", index)
            before = first.setdefault(domain.lower(), here)
            if before != here:
                place = path_text(before[len(path) :])
                text = f'the domain "{domain}" is already in {place}; Envoy rejects the whole configuration'
                yield Problem(here, text, "each domain may stand in one virtual host, once", DOMAIN_TWICE)
