"""Endpoints as they are shown: a row each, and a line for each that is different. Knows no command."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from api.cli.endpoint_arguments import shown
from api.cli.findings import counted
from api.cli.messages import age, iso_time, plain, word
from api.cli.output import Column, Listing
from api.cli.terminal import Paint, escape

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

COLUMNS = (
    *map(Column, ("cluster", "endpoint", "zone", "weight", "priority", "health", "source", "version")),
    *(Column(name, wide=True) for name in ("region", "sub-zone", "group", "service", "changed", "author", "message")),
)
VERSION_COLUMNS = tuple(map(Column, ("version", "when", "author", "what", "message")))
_FIELDS = ("weight", "region", "zone", "sub_zone", "priority", "health")
_MARKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def clusters_listing(clusters: Sequence[pb.ClusterEndpoints], *, one: bool) -> Listing:
    """`one`: a cluster was named, so that the names are its endpoints'."""
    names = (
        (shown(each) for cluster in clusters for each in cluster.endpoints) if one else (c.cluster for c in clusters)
    )
    rows = tuple(row for cluster in clusters for row in _rows(cluster))
    document = {"clusters": [plain(cluster) for cluster in clusters]}
    empty = "no cluster of type EDS is served: only those take endpoints apart from configuration"
    return Listing(COLUMNS, rows, tuple(names), document, empty)


def _rows(cluster: pb.ClusterEndpoints) -> Iterator[tuple[str, ...]]:
    source = word(cluster, "source") if cluster.in_use else "set, not in use"
    tail = (cluster.group, cluster.service_name, f"{age(cluster.changed, time.time())} ago" if cluster.version else "")
    said = (*tail, cluster.author, cluster.message)
    version = str(cluster.version or "")
    if not cluster.endpoints:
        yield (cluster.cluster, "none", "", "", "", "", source, version, "", "", *said)
    for each in cluster.endpoints:
        numbers = (str(each.weight), str(each.priority), word(each, "health"))
        yield (cluster.cluster, shown(each), each.zone, *numbers, source, version, each.region, each.sub_zone, *said)


def versions_listing(versions: Sequence[pb.EndpointVersion]) -> Listing:
    """A row for each change; changes that came at the same time have one version."""
    rows = tuple(
        (str(version.version), iso_time(version.created), change.author, change.what, change.message)
        for version in versions
        for change in version.changes
    )
    document = {"versions": [plain(version) for version in versions]}
    names = tuple(str(version.version) for version in versions)
    return Listing(VERSION_COLUMNS, rows, names, document, "no changes yet: what the configuration says counts")


def change_lines(answer: pb.ChangeEndpointsResponse, paint: Paint) -> Iterator[str]:
    """A line for each endpoint that is different, then what it came to."""
    cluster = escape(answer.cluster)
    for one in answer.differences:
        before, after = (getattr(one, side) if one.HasField(side) else None for side in ("before", "after"))
        yield difference_line(before, after, paint)
    if not answer.changed:
        stands = f" (version {answer.version})" if answer.version else ""
        yield f"{cluster} is like that already{stands}; nothing was stored."
        return
    left = f"{counted(answer.endpoints, 'endpoint')}, {answer.healthy} healthy"
    where = "" if word(answer, "source") == "set" else ", from the configuration"
    yield f"{cluster} version {answer.version} stored: {left}{where}."


def state_differences(before: pb.ClusterEndpoints, after: pb.ClusterEndpoints, paint: Paint) -> Iterator[str]:
    """A line for each endpoint that is different between two states of a cluster."""
    old, new = ({shown(each): each for each in state.endpoints} for state in (before, after))
    for place in dict.fromkeys((*old, *new)):
        if old.get(place) != new.get(place):
            yield difference_line(old.get(place), new.get(place), paint)


def difference_line(before: pb.Endpoint | None, after: pb.Endpoint | None, paint: Paint) -> str:
    """`~ 10.0.0.7:8080  health: healthy -> draining`."""
    kind = "changed" if before and after else "added" if after else "removed"
    mark, color = _MARKS[kind]
    there = after or before
    assert there is not None  # one of both is always there
    words = ", ".join(_changes(before, after)) if before and after else ", ".join(_said(there))
    return f"{paint(color, mark)} {escape(shown(there))}  {escape(words)}".rstrip()


def _changes(before: pb.Endpoint, after: pb.Endpoint) -> Iterable[str]:
    for field in _FIELDS:
        old, new = _text(before, field), _text(after, field)
        if old != new:
            yield f"{field}: {old or 'none'} -> {new or 'none'}"


def _said(endpoint: pb.Endpoint) -> Iterable[str]:
    """What is not as it is without saying."""
    for field in _FIELDS:
        text = _text(endpoint, field)
        if text and (field, text) not in (("weight", "1"), ("priority", "0")):
            yield text if field == "health" else f"{field} {text}"


def _text(endpoint: pb.Endpoint, field: str) -> str:
    return word(endpoint, field) if field == "health" else str(getattr(endpoint, field))
