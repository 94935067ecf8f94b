"""`fairlead sync status|now|suspend|resume`: what follows a repository into a workspace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption
from api.cli.messages import age, plain
from api.cli.output import Column, Format, Listing, show_document, show_listing, write_lines
from api.cli.publishing import author
from api.cli.shared import Invocation, invocation_of
from api.cli.sync_lines import state_of, trouble_lines
from api.cli.terminal import escape
from api.errors import InvalidConfig, NotFound

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead sync status",
    "fairlead sync now shop",
    'fairlead sync suspend shop --message "the sale is on"',
    "fairlead sync resume shop",
)
COLUMNS = (
    Column("WORKSPACE"), Column("GROUP"), Column("STATE"), Column("COMMIT"), Column("AGE"), Column("REVISION"),
    Column("GATEWAYS"), Column("FROM"), Column("MODE", wide=True), Column("AUTHOR", wide=True),
)  # fmt: skip
Workspace = Annotated[str, typer.Argument(metavar="WORKSPACE", help="The workspace that is followed into.")]
One = Annotated[str, typer.Argument(metavar="[WORKSPACE]", help="One workspace only.", show_default=False)]
Group = Annotated[str, typer.Option("--group", "-g", metavar="GROUP", help="The group; needed only in doubt.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why; shown by status.")]


def status(context: typer.Context, workspace: One = "", group: GroupOption = "") -> None:
    """Show what is followed: the commit, its age, the state, what is wrong with it and where, who has it."""
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> Sequence[pb.Sync]:
        return _of(await client.list_syncs(group), workspace)

    found = ask(invocation, read)
    if workspace and not found:
        raise NotFound(f"nothing is followed into workspace {workspace}")
    now_s = time.time()
    document = {"syncs": [plain(each) for each in found]}
    rows = tuple(_row(each, now_s) for each in found)
    names = tuple(each.workspace for each in found)
    show_listing(
        Listing(COLUMNS, rows, names, document, "nothing is followed; see `fairlead gitops --help`"), invocation.output
    )
    if invocation.output in (Format.TABLE, Format.WIDE):
        write_lines(line for each in found for line in trouble_lines(each))


def now(context: typer.Context, workspace: Workspace, group: Group = "") -> None:
    """Ask for a look at the repository now, without waiting for the next."""
    _order(invocation_of(context), workspace, group, "NOW", "")


def suspend(context: typer.Context, workspace: Workspace, group: Group = "", message: Message = "") -> None:
    """Publish nothing more from the repository until it is resumed; changes by hand are taken meanwhile."""
    _order(invocation_of(context), workspace, group, "SUSPEND", message)


def resume(context: typer.Context, workspace: Workspace, group: Group = "") -> None:
    """Go on: what the repository says is published, also over a rollback or a change by hand."""
    _order(invocation_of(context), workspace, group, "RESUME", "")


def build() -> typer.Typer:
    """The command and its subcommands."""
    from api.cli.application import subcommands

    return subcommands(
        "sync",
        "See what follows a repository, and stop it or go on.",
        EXAMPLES,
        {"status": status, "now": now, "suspend": suspend, "resume": resume},
    )


def _order(invocation: Invocation, workspace: str, group: str, order: str, message: str) -> None:
    async def give(client: ManagementClient) -> pb.Sync:
        from api.management.v1 import management_pb2 as pb

        found = _of(await client.list_syncs(group), workspace)
        if len(found) > 1:
            groups = ", ".join(each.group for each in found)
            raise InvalidConfig(f"workspace {workspace} is in several groups; name one with --group: {groups}")
        chosen = group or (found[0].group if found else "default")
        value = getattr(pb.OrderSyncRequest, order)
        return await client.order_sync(chosen, workspace, value, author=author(), message=message)

    sync = ask(invocation, give)
    if invocation.output in (Format.JSON, Format.YAML):
        show_document(plain(sync), invocation.output)
        return
    said = {
        "NOW": "its follower looks within seconds",
        "SUSPEND": "nothing more is published from the repository until `fairlead sync resume`",
        "RESUME": "it goes on with what the repository says",
    }
    lost = "; but nobody has acted for it for some time: is `fairlead gitops` running?" if sync.lost else ""
    write_lines([escape(f"{sync.workspace}: {said[order]}{lost}")])


def _of(syncs: Sequence[pb.Sync], workspace: str) -> list[pb.Sync]:
    return [each for each in syncs if workspace in ("", each.workspace)]


def _row(sync: pb.Sync, now_s: float) -> tuple[str, ...]:
    report = sync.report
    return (
        sync.workspace,
        sync.group,
        state_of(sync),
        report.commit[:12] or "-",
        age(report.committed, now_s) or "-",
        str(report.revision) if report.revision else "-",
        f"{report.nodes_acked}/{report.nodes_total}"
        + (f" ({report.nodes_rejected} rejected)" if report.nodes_rejected else ""),
        f"{report.url} {report.reference.removeprefix('refs/heads/').removeprefix('refs/tags/')} {report.path}".strip(),
        report.mode,
        report.author,
    )
