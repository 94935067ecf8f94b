"""`fairlead top`: where the traffic is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.groups import GroupOption
from api.cli.messages import local_time, plain
from api.cli.output import Column, Listing, show_listing
from api.cli.shared import invocation_of
from api.cli.terminal import say
from api.cli.watching import show_or_watch

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead top", "fairlead top --group edge web -o wide", "fairlead top --watch")
COLUMNS = (
    Column("cluster"),
    Column("locality"),
    Column("requests/s"),
    Column("errors"),
    Column("in progress"),
    Column("dropped/s"),
    Column("group", wide=True),
    Column("requests", wide=True),
    Column("failed", wide=True),
    Column("dropped", wide=True),
    Column("service", wide=True),
    Column("reported", wide=True),
)
ALL = "all"
NOBODY = (
    "no load is reported to this server; `fairlead bootstrap envoy --load-reports` makes an Envoy report, and "
    "`lrs_server: {self: {}}` in a cluster makes gRPC clients"
)
NOTHING_YET = "nothing is reported of it yet; reports come every load_reporting_interval_s"

Cluster = Annotated[str, typer.Argument(metavar="[CLUSTER]", help="One cluster only.", show_default=False)]


@dataclass(frozen=True, slots=True)
class Line:
    """A cluster in its group."""

    group: str
    cluster: pb.ClusterLoad


def command(context: typer.Context, cluster: Cluster = "", group: GroupOption = "") -> None:
    """Show the traffic of clusters and their localities, the busiest first, as clients report it (LRS).

    Rates and requests in progress are those of the last reports of all clients of this server; counts are since it
    started. `errors` is the share of the requests that ended.
    """
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> Sequence[pb.GroupLoad]:
        return await client.get_load(group, cluster)

    def show(groups: Sequence[pb.GroupLoad]) -> None:
        for told in groups:
            if told.over_limit:
                say(f"group {told.group}: not all is told apart, for there is too much: {_words(told.over_limit)}")
        lines = sorted(_lines(groups), key=_busiest_first)
        document = {"groups": [plain(told) for told in groups]}
        names = tuple(line.cluster.cluster for line in lines)
        empty = NOTHING_YET if any(told.reporters for told in groups) else NOBODY
        rows = tuple(row for line in lines for row in _rows(line))
        show_listing(Listing(COLUMNS, rows, names, document, empty), invocation.output)

    show_or_watch(invocation, read, show, lambda groups: [one.SerializeToString(deterministic=True) for one in groups])


def _words(over_limit: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count} times" for what, count in sorted(over_limit.items()))


def _lines(groups: Sequence[pb.GroupLoad]) -> Iterator[Line]:
    return (Line(told.group, cluster) for told in groups for cluster in told.clusters)


def _busiest_first(line: Line) -> tuple[float, int, str, str]:
    load = line.cluster.load
    return (-load.issued_per_s, -load.issued, line.cluster.cluster, line.group)


def _rows(line: Line) -> Iterator[tuple[str, ...]]:
    """The cluster, then its localities, if there is more than one or it has a name."""
    cluster = line.cluster
    localities = sorted(cluster.localities, key=lambda row: (-row.load.issued_per_s, _where(row)))
    dropped_per_s, dropped = _rate(cluster.dropped_per_s), str(cluster.dropped)
    rest = (cluster.service, local_time(cluster.reported))
    yield _row(line, cluster.load, ALL, dropped_per_s, dropped, rest)
    if [_where(row) for row in localities] == [""]:
        return
    for row in localities:
        yield _row(line, row.load, _where(row) or "(none)", "", "", ("", ""))


def _row(
    line: Line, load: pb.Load, where: str, dropped_per_s: str, dropped: str, rest: tuple[str, str]
) -> tuple[str, ...]:
    share = f"{load.errors_per_s / load.finished_per_s:.1%}" if load.finished_per_s else ""
    now = (_rate(load.issued_per_s), share, str(load.in_progress), dropped_per_s)
    return (line.cluster.cluster, where, *now, line.group, str(load.issued), str(load.errors), dropped, *rest)


def _where(row: pb.LocalityLoad) -> str:
    """`eu/eu-1/a`; without what is not said at the end."""
    return f"{row.region}/{row.zone}/{row.sub_zone}".rstrip("/")


def _rate(per_s: float) -> str:
    return f"{per_s:.1f}"
