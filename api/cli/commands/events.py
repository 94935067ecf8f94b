"""`fairlead events`: what happened, and what happens."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption
from api.cli.messages import iso_time, plain
from api.cli.output import Column, Format, Listing, show_listing, write_lines
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import escape, say
from xds.protocol.types import short_type

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead events", "fairlead events -f", "fairlead events -f --group edge -o json")
COLUMNS = tuple(map(Column, ("time", "event", "group", "revision", "node", "message")))
RECENT = 20
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Print what happens from now on, until Ctrl-C.")]


def command(context: typer.Context, follow: Follow = False, group: GroupOption = "") -> None:
    """Print what happened lately: revisions, and when the gateways now connected came and what they reject.

    With -f what happens from now on, a line an event; with -o json an object a line.
    """
    invocation = invocation_of(context)

    async def recent(client: ManagementClient) -> list[dict[str, Any]]:
        return await _recent(client, group)

    async def live(client: ManagementClient) -> None:
        say("following; Ctrl-C ends it")
        async for event in client.watch_events(group):
            write_lines([_line(plain(event), invocation)])

    if follow:
        ask(invocation, live)
    else:
        _show(ask(invocation, recent), invocation)


async def _recent(client: ManagementClient, named: str) -> list[dict[str, Any]]:
    """What revisions and nodes tell of the past; the server keeps no log of events."""
    groups = [named] if named else [head.group for head in await client.list_groups()]
    found: list[dict[str, Any]] = []
    for group in groups:
        found += map(_published, await client.list_revisions(group, limit=RECENT))
    for node in await client.list_nodes(named):
        found += _of_node(node)
    return sorted(found, key=lambda event: str(event["time"]))


def _published(revision: pb.Revision) -> dict[str, Any]:
    undone = f"back to {revision.rolled_back_to}: " if revision.rolled_back_to else ""
    words = f"{undone}{revision.message}".strip(": ") or f"by {revision.author or 'unknown'}"
    when = iso_time(revision.created)
    return _event(when, "revision-published", group=revision.group, revision=revision.number, message=words)


def _of_node(node: pb.Node) -> Iterable[dict[str, Any]]:
    yield _event(iso_time(node.since), "node-connected", group=node.group, node=node.id, message=node.address)
    for status in node.types:
        rejection = status.rejection
        if rejection.message:
            yield _event(
                iso_time(rejection.since),
                "node-rejected",
                group=node.group,
                revision=rejection.revision,
                node=node.id,
                type_url=rejection.type_url,
                message=rejection.message,
            )


def _event(
    time: str, kind: str, *, group: str, revision: int = 0, node: str = "", type_url: str = "", message: str = ""
) -> dict[str, Any]:
    """In the shape of the management API's Event."""
    return {
        "time": time,
        "kind": kind,
        "group": group,
        "revision": revision,
        "node": node,
        "type_url": type_url,
        "message": message,
    }


def _show(events: list[dict[str, Any]], invocation: Invocation) -> None:
    rows = tuple(
        (event["time"], event["kind"], event["group"], str(event["revision"] or ""), event["node"], event["message"])
        for event in events
    )
    names = tuple(event["kind"] for event in events)
    show_listing(Listing(COLUMNS, rows, names, {"events": events}, "nothing has happened yet"), invocation.output)


def _line(event: dict[str, Any], invocation: Invocation) -> str:
    if invocation.output is Format.JSON:
        return json.dumps(event)
    if invocation.output is Format.NAME:
        return str(event["kind"])
    revision = f"revision {event['revision']}" if event["revision"] else ""
    kind = short_type(event["type_url"]) if event["type_url"] else ""
    parts = (event["time"], event["kind"], event["group"], event["node"], kind, revision, event["message"])
    return escape("  ".join(filter(None, parts)))
