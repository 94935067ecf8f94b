"""The load of this server's clients: what they report (LRS), as messages. Only what this server was told."""

from __future__ import annotations

from api.errors import NotFound
from api.management.backend import Backend
from api.management.conversion import timestamp
from api.management.v1 import management_pb2 as pb
from xds.fleet import load
from xds.protocol.types import GroupName

# Clients may report any number, and sums of them are larger still.
LARGEST = 2**64 - 1


class Load:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def get(self, request: pb.GetLoadRequest) -> pb.GetLoadResponse:
        """Raises NotFound for a group that is not served."""
        loads = self._backend.loads
        named = (GroupName(request.group),) if request.group else loads.groups()
        served = self._backend.facts.served()
        if request.group and request.group not in served:
            there = ", ".join(sorted(served)) or "none yet"
            raise NotFound(f"there is no group {request.group!r}; there are: {there}")
        return pb.GetLoadResponse(groups=(_group(loads.told(group, request.cluster)) for group in named))


def _group(told: load.GroupLoad) -> pb.GroupLoad:
    return pb.GroupLoad(
        group=told.group,
        reporters=told.reporters,
        reports=told.reports,
        over_limit=told.over_limit,
        clusters=map(_cluster, told.clusters),
    )


def _cluster(told: load.ClusterLoad) -> pb.ClusterLoad:
    return pb.ClusterLoad(
        cluster=told.cluster,
        service=told.service,
        load=_load(told.load),
        dropped=_bounded(told.dropped),
        dropped_per_s=told.dropped_per_s,
        drops={category: _bounded(count) for category, count in told.drops.items()},
        reported=timestamp(told.reported_at_s),
        localities=map(_locality, told.localities),
    )


def _locality(told: load.LocalityLoad) -> pb.LocalityLoad:
    where = told.locality
    metrics = (pb.BackendMetric(name=one.name, count=_bounded(one.count), total=one.total) for one in told.metrics)
    return pb.LocalityLoad(
        region=where.region, zone=where.zone, sub_zone=where.sub_zone, load=_load(told.load), metrics=metrics
    )


def _load(told: load.Load) -> pb.Load:
    return pb.Load(
        issued=_bounded(told.issued),
        successful=_bounded(told.successful),
        errors=_bounded(told.errors),
        in_progress=_bounded(told.in_progress),
        issued_per_s=told.issued_per_s,
        finished_per_s=told.finished_per_s,
        errors_per_s=told.errors_per_s,
    )


def _bounded(count: int) -> int:
    return min(count, LARGEST)
