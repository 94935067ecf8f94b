"""The plan for one change in a snapshot of 10,000 resources: what publishing costs, and what deciding costs a session.

The pure core, in one process and without a network. The session has everything and wants all of it, as an Envoy does:
clusters and listeners by wildcard, endpoints and routes by name. Each turn publishes one change, asks the session what
goes now, and answers it until the session is at rest. `all` is a snapshot of nothing but clusters.
"""

from __future__ import annotations

import time
from itertools import count

from bench.report import Report, percentile
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Response
from xds.protocol.requests import DeltaRequest, Node, StateRequest
from xds.protocol.resource import Reference, Resource
from xds.protocol.session import Session
from xds.protocol.types import BY_URL, CLUSTER, ENDPOINT, LISTENER, ROUTE, GroupName, TypeUrl
from xds.protocol.variant import Variant

RESOURCES = 10_000
TYPES = (CLUSTER, ENDPOINT, LISTENER, ROUTE)
ROUNDS = 200
LIMIT_US = 1_000.0
_PARTS = {"publish": "move the group's state", "decide": "plan", "answer": "take the dearest ACK and plan"}
_REFERS_TO = {CLUSTER: ENDPOINT, LISTENER: ROUTE, ROUTE: CLUSTER}


async def run(report: Report) -> None:
    for variant in Variant:
        for type_url in TYPES:
            name = f"{variant.value}.{BY_URL[type_url].short}"
            _tell(report, name, Turns(variant, TYPES).of(type_url))
        _tell(report, f"{variant.value}.all", Turns(variant, (CLUSTER,)).of(CLUSTER))


def _tell(report: Report, name: str, costs_us: list[tuple[float, float, float]]) -> None:
    for (part, what), values in zip(_PARTS.items(), zip(*costs_us, strict=True), strict=True):
        report.figure(f"{name}.{part}", percentile(values, 50), f"us to {what} (median)", limit=LIMIT_US)


class Turns:
    """One session that is at rest between changes."""

    def __init__(self, variant: Variant, types: tuple[TypeUrl, ...]) -> None:
        self._variant = variant
        self._of_a_type = RESOURCES // len(types)
        self._catalogue = Catalogue(GroupName("bench"))
        self._catalogue.load(1, [_resource(url, number, "") for url in types for number in range(self._of_a_type)])
        self._session = Session(variant, count(1))
        self._wants: dict[TypeUrl, tuple[str, ...]] = {}
        for url in types:
            self._wants[url] = () if BY_URL[url].legacy_wildcard else tuple(self._catalogue.served(url).resources)
            self._settle(self._session.receive(self._request(url, None), 0.0).responses)
        self._settle(self._session.serve(self._catalogue, 0.0).responses)

    def of(self, type_url: TypeUrl) -> list[tuple[float, float, float]]:
        """Microseconds of each turn: to publish a change of one resource of the type, to decide, to take an answer."""
        numbers = (number * 7 % self._of_a_type for number in range(ROUNDS))
        return [self._turn(_resource(type_url, number, f"change {turn}")) for turn, number in enumerate(numbers)]

    def _turn(self, after: Resource) -> tuple[float, float, float]:
        before = self._catalogue.served(after.type_url).resources[after.name]
        started_s = time.perf_counter()
        self._catalogue.advance(self._catalogue.revision + 1, [(before, after)])
        published_s = time.perf_counter()
        responses = self._session.advance(0.0).responses
        decided_s = time.perf_counter()
        if not responses:
            raise RuntimeError(f"a change was not sent: {self._session!r}")
        return (published_s - started_s) * 1e6, (decided_s - published_s) * 1e6, self._settle(responses)

    def _settle(self, responses: tuple[Response, ...]) -> float:
        """Take all of it and what follows; the microseconds of the dearest answer."""
        waiting, dearest_us = list(responses), 0.0
        while waiting:
            request = self._request(waiting[0].type_url, waiting.pop(0))
            started_s = time.perf_counter()
            waiting += self._session.receive(request, 0.0).responses
            dearest_us = max(dearest_us, (time.perf_counter() - started_s) * 1e6)
        return dearest_us

    def _request(self, url: TypeUrl, answered: Response | None) -> DeltaRequest | StateRequest:
        node = Node("edge", "bench")
        nonce, version = (answered.nonce, answered.version) if answered else ("", "")
        if self._variant is Variant.STATE_OF_THE_WORLD:
            return StateRequest(url, version, self._wants[url], nonce, node=node)
        return DeltaRequest(url, subscribe=() if answered else self._wants[url], response_nonce=nonce, node=node)


def _resource(type_url: TypeUrl, number: int, content: str) -> Resource:
    name = f"{BY_URL[type_url].short}-{number:05}" if type_url != ENDPOINT else f"cluster-{number:05}"
    needed = _REFERS_TO.get(type_url)
    kind = "cluster" if needed in (CLUSTER, ENDPOINT) else "route"
    references = (Reference(needed, f"{kind}-{number:05}"),) if needed else ()
    return Resource.of(type_url, name, f"{name} {content}".encode(), references)
