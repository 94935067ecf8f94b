"""`fairlead history`: the revisions of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.messages import local_time, plain
from api.cli.output import Column, Listing, show_listing
from api.cli.shared import invocation_of
from snapshots.commits import commit_named

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead history", "fairlead history --group edge --limit 5 -o json")
COLUMNS = (
    Column("revision"),
    Column("when"),
    Column("who"),
    Column("workspace"),
    Column("commit"),
    Column("changes"),
    Column("message"),
    Column("source", wide=True),
    Column("snapshot", wide=True),
)
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")]
Before = Annotated[int, typer.Option("--before", metavar="REV", min=0, help="Only those before this one.")]


def command(context: typer.Context, group: GroupOption = "", limit: Limit = 20, before: Before = 0) -> None:
    """List a group's revisions, newest first: when, who, what changed (added, changed, removed) and why."""
    invocation = invocation_of(context)

    async def revisions(client: ManagementClient) -> tuple[str, Sequence[pb.Revision]]:
        chosen = await chosen_group(client, group)
        return chosen, await client.list_revisions(chosen, limit=limit, before=before)

    chosen, found = ask(invocation, revisions)
    document = {"group": chosen, "revisions": [plain(revision) for revision in found]}
    names = tuple(str(revision.number) for revision in found)
    show_listing(Listing(COLUMNS, tuple(map(_row, found)), names, document), invocation.output)


def _row(revision: pb.Revision) -> tuple[str, ...]:
    commit = commit_named(revision.source)
    undone = f"back to {revision.rolled_back_to}" if revision.rolled_back_to else ""
    return (
        str(revision.number),
        local_time(revision.created),
        revision.author,
        revision.workspace,
        commit.short if commit else "-",
        f"+{revision.added} ~{revision.changed} -{revision.removed}",
        "; ".join(filter(None, (undone, revision.message))),
        revision.source,
        revision.snapshot[:16],
    )
