"""`fairlead nodes`: the connected gateways."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from api.cli.groups import GroupOption
from api.cli.messages import age, plain, word
from api.cli.node_report import wide_cells
from api.cli.output import Column, Format, Listing, show_listing
from api.cli.shared import invocation_of
from api.cli.watching import show_or_watch

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead nodes", "fairlead nodes --group edge -o wide", "fairlead nodes --watch")
COLUMNS = (
    Column("node"),
    Column("group"),
    Column("state"),
    Column("revision"),
    Column("since"),
    Column("rejects"),
    Column("region", wide=True),
    Column("zone", wide=True),
    Column("address", wide=True),
    Column("variant", wide=True),
    Column("client", wide=True),
    Column("agent", wide=True),
    Column("envoy", wide=True),
    Column("ready", wide=True),
    Column("labels", wide=True),
    Column("generation", wide=True),
    Column("connections", wide=True),
    Column("5xx", wide=True),
    Column("memory", wide=True),
    Column("heard", wide=True),
    Column("via", wide=True),
)
WORDS_LIMIT = 60


def command(context: typer.Context, group: GroupOption = "") -> None:
    """List the gateways of this server: their group, what they have acknowledged, what they reject.

    States: current, behind (something is on its way), rejected, unassigned (no such group), offline. With -o wide also
    what their agents report; ? is what an agent does not know.
    """
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> Sequence[pb.Node]:
        return await client.list_nodes(group)

    def show(nodes: Sequence[pb.Node]) -> None:
        document = {"nodes": [plain(node) for node in nodes]}
        names = tuple(node.id for node in nodes)
        empty = "no gateways have connected to this server"
        show_listing(Listing(COLUMNS, tuple(map(_row, nodes)), names, document, empty), invocation.output)

    show_or_watch(invocation, read, show, lambda nodes: [_shown(node, invocation.output) for node in nodes])


def _shown(node: pb.Node, form: Format) -> bytes:
    """What is new of it to whoever looks: that its agent has said nothing new is not."""
    seen = type(node)()
    seen.CopyFrom(node)
    if form is Format.TABLE:
        seen.ClearField("agent")
    seen.agent.ClearField("heard")
    return seen.SerializeToString(deterministic=True)


def _row(node: pb.Node) -> tuple[str, ...]:
    return (
        node.id,
        node.group,
        word(node, "state"),
        str(node.revision or ""),
        age(node.since, time.time()),
        next((status.rejection.message[:WORDS_LIMIT] for status in node.types if status.rejection.message), ""),
        node.region,
        node.zone,
        node.address,
        node.variant,
        node.user_agent,
        *wide_cells(node, time.time()),
    )
