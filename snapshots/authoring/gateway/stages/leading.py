"""The clusters that something leads to, their endpoints, and the secrets that are named. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from snapshots.authoring.gateway import client_checks
from snapshots.authoring.gateway.backend_tls import BackendTls, authorities_resource
from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.bound import Bind
from snapshots.authoring.gateway.certificates import certificate_resource
from snapshots.authoring.gateway.clusters import cluster, endpoints, has_assignment, without_slices
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.frame import Frame
from snapshots.authoring.gateway.routing import ServedHost
from snapshots.authoring.gateway.stages.listening import Listening
from snapshots.authoring.gateway.stages.results import Product, Results
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.sheet import Gathered, Made, Sheet
from xds.protocol.resource import Resource
from xds.protocol.types import SECRET


@dataclass(frozen=True, slots=True)
class Lead:
    """One cluster and what it leads to."""

    target: BackendTarget
    product: Product


class LeadingStages:
    """`host` and `listen` follow what leads somewhere: virtual hosts, and listeners."""

    def __init__(
        self, sheet: Sheet, world: World, messages: Messages, frames: Made[tuple[()], Frame], results: Results
    ) -> None:
        self._world, self._messages, self._frames, self._results = world, messages, frames, results
        self._used: Gathered[str, BackendTarget] = Gathered(sheet)
        self._assigned: Gathered[str, BackendTarget] = Gathered(sheet)
        self._trusting: Gathered[str, BackendTls] = Gathered(sheet)
        self._named: Gathered[str, None] = Gathered(sheet)
        self._services: Gathered[ObjectKey, None] = Gathered(sheet)
        self._clusters: Made[str, Lead] = Made(sheet, self._cluster, self._lead)
        self._assignments: Made[str, Product] = Made(sheet, self._assignment, results.produce)
        self._authorities: Made[str, Product] = Made(sheet, self._trusted, results.produce)
        self._secrets: Made[str, Product] = Made(sheet, self._secret, results.produce)
        empty = results.complain("slices", lambda found: (found,))
        self._without_slices: Made[ObjectKey, Complaint] = Made(sheet, self._warning, empty)
        self._used.drive(self._clusters)
        self._assigned.drive(self._assignments)
        self._trusting.drive(self._authorities)
        self._named.drive(self._secrets)
        self._services.drive(self._without_slices)

    def host(self, key: tuple[str, str], before: ServedHost | None, after: ServedHost | None) -> None:
        """What is the same target is neither given nor taken: one host may lead to thousands."""
        old = {id(each): each for each in before.targets} if before else {}
        new = {id(each): each for each in after.targets} if after else {}
        gone = [each for identity, each in old.items() if identity not in new]
        come = [each for identity, each in new.items() if identity not in old]
        self._used.change(_by_cluster(gone), _by_cluster(come))

    def listen(self, bind: Bind, before: Listening | None, after: Listening | None) -> None:
        self._used.change(_by_cluster(before.targets if before else ()), _by_cluster(after.targets if after else ()))
        self._named.change(_secrets(before), _secrets(after))

    def _cluster(self, name: str) -> Lead | None:
        _, target = next(self._used.get(name), ("", None))
        if target is None:
            return None
        return Lead(target, Product(target.backend.key, cluster(self._messages, self._world, target)))

    def _lead(self, name: str, before: Lead | None, after: Lead | None) -> None:
        self._results.produce(name, before and before.product, after and after.product)
        self._assigned.change(_assignments(before), _assignments(after))
        self._trusting.change(_trust(before), _trust(after))
        self._named.change(_secrets(before), _secrets(after))
        self._services.change(_services(before), _services(after))

    def _assignment(self, name: str) -> Product | None:
        _, target = next(self._assigned.get(name), ("", None))
        if target is None:
            return None
        return Product(target.backend.key, endpoints(self._messages, self._world, target))

    def _trusted(self, name: str) -> Product | None:
        _, tls = next(self._trusting.get(name), ("", None))
        return Product(tls.policy.key, authorities_resource(self._messages, tls)) if tls is not None else None

    def _secret(self, name: str) -> Product | None:
        """Of a listener's certificate, of whom to trust there, or of what a Gateway shows; None: a policy's."""
        frame = self._frames.get(())
        if frame is None:
            return None
        if name in frame.certificates:
            secret = frame.certificates[name]
            return Product(secret.key, certificate_resource(self._messages, name, secret))
        if name in frame.authorities:
            gateway, pem = frame.authorities[name]
            return Product(gateway.key, client_checks.authorities_resource(self._messages, name, pem))
        return None

    def _warning(self, key: ObjectKey) -> Complaint | None:
        service = self._world.at(key)
        return without_slices(self._world, service) if service is not None else None


def _by_cluster(targets: Iterable[BackendTarget]) -> Iterator[tuple[str, tuple[bool, str, str], BackendTarget]]:
    return ((each.cluster, each.order, each) for each in targets)


def _assignments(lead: Lead | None) -> Iterator[tuple[str, tuple[bool, str, str], BackendTarget]]:
    if lead is not None and has_assignment(lead.target):
        yield lead.target.assignment, lead.target.order, lead.target


def _trust(lead: Lead | None) -> Iterator[tuple[str, str, BackendTls]]:
    if lead is not None and lead.target.tls is not None:
        yield lead.target.tls.name, "", lead.target.tls


def _secrets(found: Lead | Listening | None) -> Iterator[tuple[str, str, None]]:
    resource: Resource | None = found.product.resource if found is not None else None
    return ((each.name, "", None) for each in (resource.references if resource else ()) if each.type_url == SECRET)


def _services(lead: Lead | None) -> Iterator[tuple[ObjectKey, str, None]]:
    if lead is not None and lead.target.port is not None:
        yield lead.target.backend.key, "", None
