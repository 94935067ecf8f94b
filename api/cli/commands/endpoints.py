"""`fairlead endpoints list|set|drain|undrain|clear|watch|history`: endpoints apart from configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.endpoint_arguments import HEALTHS, endpoints_from, endpoints_in_file, places_from
from api.cli.endpoint_lines import change_lines, clusters_listing, state_differences, versions_listing
from api.cli.groups import GroupOption, chosen_group
from api.cli.messages import plain, word
from api.cli.output import Format, show_document, show_listing, table_lines, write_lines
from api.cli.publishing import author
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import Paint, can_ask, confirm, escape, say
from api.errors import InvalidConfig

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead endpoints list",
    "fairlead endpoints set carts 10.0.0.7:8080,weight=2,zone=fra-1 10.0.0.8:8080",
    "fairlead endpoints set carts --add 10.0.0.9:8080 --remove 10.0.0.7:8080 --message 'move'",
    "fairlead endpoints set carts -f endpoints.yaml --base 3",
    "fairlead endpoints drain carts 10.0.0.8:8080",
    "fairlead endpoints clear carts --yes",
    "fairlead endpoints watch carts",
)
FEW = "E1002"
Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster's name.")]
OneCluster = Annotated[str, typer.Argument(metavar="[CLUSTER]", help="One cluster only.", show_default=False)]
Places = Annotated[list[str], typer.Argument(metavar="ADDRESS:PORT", help="The endpoints.", show_default=False)]
Wanted = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ENDPOINT",
        help="ADDRESS:PORT, then what else is to be said: ,weight=2 ,zone=… ,region=… ,sub_zone=… ,priority=1 "
        f",health={'|'.join(HEALTHS)}",
        show_default=False,
    ),
]
Add = Annotated[
    list[str] | None,
    typer.Option("--add", metavar="ENDPOINT", help="Add this one, or change what is given of it; the others stay."),
]
Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="ADDRESS:PORT", help="Remove this one; the others stay.")
]
FileOption = Annotated[
    str,
    typer.Option("--file", "-f", metavar="FILE", help="A YAML or JSON list of endpoints; - is standard input."),
]
Empty = Annotated[bool, typer.Option("--empty", help="No endpoints at all. Every request then fails.")]
Base = Annotated[
    int | None, typer.Option("--base", metavar="VERSION", min=0, help="Refuse if the endpoints have moved past it.")
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Go on though fewer than half of the healthy endpoints would be left.")
]
Message = Annotated[str, typer.Option("--message", "-m", help="Why; kept with the version.")]
Undo = Annotated[bool, typer.Option("--undo", help="The same as undrain.")]


def list_endpoints(context: typer.Context, cluster: OneCluster = "", group: GroupOption = "") -> None:
    """List the endpoints that clusters are served, and whether the configuration or a set says so."""
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> Sequence[pb.ClusterEndpoints]:
        return await client.list_endpoints(await chosen_group(client, group), cluster)

    show_listing(clusters_listing(ask(invocation, read), one=bool(cluster)), invocation.output)


def set_endpoints(
    context: typer.Context,
    cluster: Cluster,
    endpoints: Wanted = None,
    add: Add = None,
    remove: Remove = None,
    file: FileOption = "",
    empty: Empty = False,
    group: GroupOption = "",
    base: Base = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Set the endpoints of a cluster: all of them, or with --add and --remove some of them.

    They take the place of what the configuration says, without a new revision, until `clear`. With --add or --remove
    the endpoints that are not named stay, and so does what is not said of those that are.
    """
    changes = _wishes(endpoints or [], add or [], remove or [], file, empty=empty)
    _change(context, cluster, changes, group=group, base=base, yes=yes or empty, message=message)


def drain(
    context: typer.Context,
    cluster: Cluster,
    endpoints: Places,
    undo: Undo = False,
    group: GroupOption = "",
    base: Base = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Send endpoints no new requests; those under way may end. What is draining already stays as it is."""
    health = "HEALTHY" if undo else "DRAINING"
    _change(context, cluster, [_health(endpoints, health)], group=group, base=base, yes=yes, message=message)


def undrain(
    context: typer.Context,
    cluster: Cluster,
    endpoints: Places,
    group: GroupOption = "",
    base: Base = None,
    message: Message = "",
) -> None:
    """Let endpoints take requests again, whether they drained or were unhealthy."""
    _change(context, cluster, [_health(endpoints, "HEALTHY")], group=group, base=base, yes=False, message=message)


def clear(
    context: typer.Context,
    cluster: Cluster,
    group: GroupOption = "",
    base: Base = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Take the set away: what the configuration says of the endpoints counts again."""
    from api.management.v1 import management_pb2 as pb

    changes = [pb.EndpointChange(clear=pb.EndpointChange.Clear())]
    _change(context, cluster, changes, group=group, base=base, yes=yes, message=message)


def watch(context: typer.Context, cluster: OneCluster = "", group: GroupOption = "") -> None:
    """Print the endpoints, then what is different whenever they change, until Ctrl-C; -o json an object a line."""
    invocation = invocation_of(context)

    async def follow(client: ManagementClient) -> None:
        say("following; Ctrl-C ends it")
        before: dict[str, pb.ClusterEndpoints] = {}
        async for state in client.watch_endpoints(await chosen_group(client, group), cluster):
            write_lines(_state_lines(before.get(state.cluster), state, invocation))
            before[state.cluster] = state

    ask(invocation, follow)


def history(
    context: typer.Context,
    cluster: Cluster,
    group: GroupOption = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many versions.")] = 20,
) -> None:
    """List who changed the endpoints of a cluster, newest first."""
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> Sequence[pb.EndpointVersion]:
        return await client.list_endpoint_changes(await chosen_group(client, group), cluster, limit=limit)

    show_listing(versions_listing(ask(invocation, read)), invocation.output)


def build() -> typer.Typer:
    """The command and its subcommands."""
    from api.cli.application import subcommands

    functions: dict[str, Callable[..., None]] = {
        "list": list_endpoints,
        "set": set_endpoints,
        "drain": drain,
        "undrain": undrain,
        "clear": clear,
        "watch": watch,
        "history": history,
    }
    return subcommands("endpoints", "Change the endpoints of clusters, without a revision.", EXAMPLES, functions)


def _wishes(
    endpoints: list[str], add: list[str], remove: list[str], file: str, *, empty: bool
) -> list[pb.EndpointChange]:
    """What the arguments ask for: a whole set, or some added, changed or removed."""
    from api.management.v1 import management_pb2 as pb

    wanted = [*endpoints_from(endpoints), *(endpoints_in_file(file) if file else [])]
    if empty and (wanted or add or remove):
        raise typer.BadParameter("takes no endpoints beside it", param_hint="--empty")
    if not (wanted or add or remove or empty):
        raise typer.BadParameter("name endpoints, or say --empty if there are to be none", param_hint="ENDPOINT")
    if not (add or remove):
        return [pb.EndpointChange(replace=pb.EndpointChange.Wanted(endpoints=wanted))]
    wanted += endpoints_from(add)
    changes = [pb.EndpointChange(upsert=pb.EndpointChange.Wanted(endpoints=wanted))] if wanted else []
    if remove:
        changes.append(pb.EndpointChange(remove=pb.EndpointChange.Places(places=places_from(remove))))
    return changes


def _health(endpoints: Sequence[str], health: str) -> pb.EndpointChange:
    from api.management.v1 import management_pb2 as pb

    return pb.EndpointChange(set_health=pb.EndpointChange.HealthOf(places=places_from(endpoints), health=health))


def _change(
    context: typer.Context,
    cluster: str,
    changes: Sequence[pb.EndpointChange],
    *,
    group: str,
    base: int | None,
    yes: bool,
    message: str,
) -> None:
    invocation = invocation_of(context)

    async def change(client: ManagementClient) -> pb.ChangeEndpointsResponse:
        chosen, who = await chosen_group(client, group), author()

        async def attempt(*, confirmed: bool) -> pb.ChangeEndpointsResponse:
            return await client.change_endpoints(
                chosen, cluster, changes, base=base, author=who, message=message, confirmed=confirmed
            )

        try:
            return await attempt(confirmed=yes)
        except InvalidConfig as error:
            await _allow(error, cluster)
        return await attempt(confirmed=True)

    _show(ask(invocation, change), invocation)


async def _allow(error: InvalidConfig, cluster: str) -> None:
    """Ask where a yes is all that is missing. Raises InvalidConfig when the answer is not yes."""
    few = next((finding.message for finding in error.findings if finding.code == FEW), "")
    if not few:
        raise error
    words = f"{cluster}: {few.partition(';')[0]}"
    if not can_ask():
        raise InvalidConfig(f"{words}; say --yes if it is meant. Nothing was stored") from error
    if not await confirm(f"{escape(words)}. Go on?"):
        raise InvalidConfig("nothing was stored") from error


def _show(answer: pb.ChangeEndpointsResponse, invocation: Invocation) -> None:
    if invocation.output in (Format.JSON, Format.YAML):
        show_document(plain(answer), invocation.output)
    elif invocation.output is Format.NAME:
        write_lines([str(answer.version)])
    else:
        write_lines(change_lines(answer, Paint(invocation.color, sys.stdout)))


def _state_lines(before: pb.ClusterEndpoints | None, state: pb.ClusterEndpoints, invocation: Invocation) -> list[str]:
    """A whole table at first, and then what is different."""
    if invocation.output in (Format.JSON, Format.YAML):
        return [json.dumps(plain(state), ensure_ascii=True)]
    if invocation.output is Format.NAME:
        return [f"{escape(state.cluster)} {state.version}"]
    if before is None:
        listing = clusters_listing([state], one=True)
        return table_lines(listing.columns, listing.rows, wide=invocation.output is Format.WIDE)
    said = f" by {state.author}" if state.author else ""
    why = f": {state.message}" if state.message else ""
    source = word(state, "source")
    paint = Paint(invocation.color, sys.stdout)
    return [
        escape(f"{state.cluster} version {state.version} ({source}){said}{why}"),
        *state_differences(before, state, paint),
    ]
