"""`fairlead diff`: what changed between two revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.commands.plan import DIFFERENCES, ExitCode
from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.planning import show_changes
from api.cli.shared import invocation_of

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead diff", "fairlead diff 41", "fairlead diff 38 41 -o json")
Numbers = Annotated[
    list[int] | None,
    typer.Argument(metavar="REV", min=0, help="From, and to; default: the head and the one before it."),
]


def command(
    context: typer.Context, revisions: Numbers = None, group: GroupOption = "", exit_code: ExitCode = False
) -> None:
    """Show what changed from one revision to another, field by field.

    Without a revision: what the newest changed. With one: from it to the newest. Revision 0 is nothing at all.
    """
    invocation, given = invocation_of(context), revisions or []
    if len(given) > 2:
        raise typer.BadParameter("two revisions at most", param_hint="REV")

    async def differences(client: ManagementClient) -> tuple[dict[str, object], list[pb.Change]]:
        chosen = await chosen_group(client, group)
        head = await client.get_revision(chosen)
        base = given[0] if given else head.parent
        to = given[1] if len(given) == 2 else head.number
        changes = [change async for change in client.diff(chosen, base, to)]
        return {"group": chosen, "base": base, "to": to}, changes

    which, changes = ask(invocation, differences)
    show_changes(changes, which, invocation)
    if exit_code and changes:
        raise typer.Exit(DIFFERENCES)
