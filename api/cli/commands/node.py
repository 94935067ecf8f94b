"""`fairlead node`: one gateway."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.messages import age, plain, word
from api.cli.node_report import agent_lines, running_only, runs
from api.cli.output import Column, Format, Listing, show_document, show_listing, table_lines, write_lines
from api.cli.resources import Bodies, place_of
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import escape
from xds.protocol.types import name_of, short_type

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead node edge-1",
    "fairlead node edge-1 config -o json",
    "fairlead node edge-1 diff",
    "fairlead node edge-1 config --from envoy",
    "fairlead node edge-1 logs --follow",
    'fairlead node edge-1 drain --message "its disk is replaced"',
)
TYPE_COLUMNS = tuple(map(Column, ("type", "sent", "acknowledged", "names", "runs", "changed", "rejected")))
RESOURCE_COLUMNS = tuple(map(Column, ("type", "name", "version", "state", "from", "error")))


class View(StrEnum):
    """What of a gateway is shown, or asked of its agent."""

    STATE = "state"
    CONFIG = "config"
    DIFF = "diff"
    LOGS = "logs"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    RESTART = "restart"


class Source(StrEnum):
    """Who says what a gateway's configuration is."""

    SERVER = "server"
    ENVOY = "envoy"


Name = Annotated[str, typer.Argument(metavar="NODE", help="The gateway's node id.")]
What = Annotated[
    View,
    typer.Argument(metavar="config|diff|logs|drain|undrain|restart", help="What to see of it, or to ask of its agent."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="logs: go on with what comes, until Ctrl-C.")]
Lines = Annotated[int, typer.Option("--lines", "-n", metavar="N", min=1, max=10_000, help="logs: of the past.")]
From = Annotated[Source, typer.Option("--from", help="config: what it is served, or what its Envoy says it runs.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why, for the records of server and agent.")]


def command(
    context: typer.Context,
    node: Name,
    view: What = View.STATE,
    follow: Follow = False,
    lines: Lines = 100,
    source: From = Source.SERVER,
    message: Message = "",
) -> None:
    """Show one gateway: for each type what it was sent, what it acknowledged and what it runs; what its agent reports.

    `config` lists every resource of its group and whether the gateway has it; `diff` only those that it has not.
    `logs`, `config --from envoy`, `drain`, `undrain` and `restart` are asked of its agent, if the agent's
    configuration allows them (`operations.allow`); server and agent keep a record of who asked.
    """
    invocation = invocation_of(context)
    if view is View.STATE:
        _show_state(invocation, node)
    elif view is View.DIFF or (view is View.CONFIG and source is Source.SERVER):
        _show_configuration(invocation, node, only_missing=view is View.DIFF)
    else:
        _ask_agent(invocation, node, view, follow=follow, lines=lines, reason=message)


def _ask_agent(invocation: Invocation, node: str, view: View, *, follow: bool, lines: int, reason: str) -> None:
    from api.cli.node_orders import carry_out, show_logs, show_running
    from api.nodes.orders import OrderKind

    if view is View.LOGS:
        show_logs(invocation, node, lines=lines, follow=follow, reason=reason)
    elif view is View.CONFIG:
        show_running(invocation, node, reason)
    else:
        carry_out(invocation, node, OrderKind(view.value), reason)


def _show_state(invocation: Invocation, name: str) -> None:
    async def read(client: ManagementClient) -> pb.Node:
        return await client.get_node(name)

    node = ask(invocation, read)
    if invocation.output in (Format.JSON, Format.YAML):
        show_document(plain(node), invocation.output)
    elif invocation.output is Format.NAME:
        write_lines([escape(node.id)])
    else:
        write_lines(_state_lines(node))


def _state_lines(node: pb.Node) -> Iterator[str]:
    now_s = time.time()
    yield f"{escape(node.id)}  {word(node, 'state')}, group {escape(node.group)}, revision {node.revision or 'none'}"
    place = "/".join(filter(None, (node.region, node.zone))) or "an unknown place"
    where = f"behind relay {escape(node.via)}" if node.via else f"at {escape(node.address)}"
    yield f"  {escape(node.user_agent)} {where} in {escape(place)}, {node.variant}, since " + age(node.since, now_s)
    yield from agent_lines(node, now_s)
    yield ""
    running = runs(node)
    rows = [
        (
            short_type(status.type_url),
            str(status.sent_revision or ""),
            str(status.acked_revision or ""),
            "all" if status.wildcard else str(status.names),
            running.get(status.type_url, ""),
            age(status.changed, now_s),
            status.rejection.message,
        )
        for status in node.types
    ]
    rows += [(type_name, "", "", "", words, "", "") for type_name, words in running_only(node)]
    yield from table_lines(TYPE_COLUMNS, rows, wide=False)


def _show_configuration(invocation: Invocation, name: str, *, only_missing: bool) -> None:
    async def read(client: ManagementClient) -> list[pb.ResourceState]:
        return [state async for state in client.get_node_configuration(name)]

    found = ask(invocation, read)
    states = [state for state in found if not only_missing or word(state, "state") != "acked"]
    rows = tuple(_row(state) for state in states)
    names = tuple(name_of(state.resource.type_url, state.resource.name) for state in states)
    documents = []
    if invocation.output in (Format.JSON, Format.YAML):
        bodies = Bodies()
        documents = [
            {**bodies.document(state.resource), "state": word(state, "state"), "error": state.error} for state in states
        ]
    empty = "the gateway has everything" if only_missing else "nothing is served to this gateway"
    listing = Listing(RESOURCE_COLUMNS, rows, names, {"node": name, "resources": documents}, empty)
    show_listing(listing, invocation.output)


def _row(state: pb.ResourceState) -> tuple[str, ...]:
    resource = state.resource
    return (
        short_type(resource.type_url),
        resource.name,
        resource.version,
        word(state, "state").replace("_", " "),
        place_of(resource.origin),
        state.error,
    )
