"""`fairlead rollback`: serve an earlier revision again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.commands.apply import Base, DryRun, Key, Message, Wait, Yes
from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.messages import word
from api.cli.planning import allow_removals, show_changes
from api.cli.publishing import author, finish, now_s, once_more_is_safe
from api.cli.shared import invocation_of
from api.cli.terminal import escape, say
from api.errors import FairleadError

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead rollback 41 --wait", "fairlead rollback 41 --group edge --dry-run")
Number = Annotated[int, typer.Argument(metavar="REV", min=1, help="The revision to serve again.")]


def command(
    context: typer.Context,
    revision: Number,
    group: GroupOption = "",
    wait: Wait = False,
    base: Base = None,
    yes: Yes = False,
    message: Message = "",
    dry_run: DryRun = False,
    idempotency_key: Key = "",
) -> None:
    """Serve an earlier revision again, byte for byte. It becomes the next revision; nothing is lost.

    Asks as `apply` does when more than a tenth of the group's resources would go.
    """
    invocation = invocation_of(context)

    async def roll_back(client: ManagementClient) -> None:
        chosen = await chosen_group(client, group)
        head = await client.get_revision(chosen)
        changes = [change async for change in client.diff(chosen, head.number, revision)]
        if dry_run:
            show_changes(changes, {"group": chosen, "base": head.number, "to": revision}, invocation)
            return
        await _ask_about_removals(client, head, changes, yes=yes)
        started_s = now_s()
        with once_more_is_safe():
            published = await client.rollback(
                chosen,
                revision,
                base=head.number if base is None else base,
                author=author(),
                message=message,
                idempotency_key=idempotency_key,
            )
        await _tell_of_syncs(client, published.revision)
        await finish(client, published, invocation, wait=wait, started_s=started_s)

    ask(invocation, roll_back)


async def _tell_of_syncs(client: ManagementClient, revision: pb.Revision) -> None:
    """What follows a repository into a workspace that was rolled back stops there, and says so."""
    syncs: Sequence[pb.Sync] = ()
    with suppress(FairleadError):  # it is stored; who follows it says the rest
        syncs = await client.list_syncs(revision.group)
    for sync in syncs:
        workspace = sync.workspace
        if revision.workspaces.get(workspace) == revision.number and sync.report.mode == "enforce":
            say(escape(f"this suspends the sync of workspace {workspace}; `fairlead sync resume {workspace}` goes on"))


async def _ask_about_removals(
    client: ManagementClient, head: pb.Revision, changes: list[pb.Change], *, yes: bool
) -> None:
    removed = sum(word(change, "kind") == "removed" for change in changes)
    if removed and not yes:
        _, resources = await client.get_snapshot(head.group, head.number)
        await allow_removals(removed, len(resources), "this", yes=yes)
