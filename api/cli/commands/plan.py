"""`fairlead plan`: what applying would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.against import plan_against, the_directory
from api.cli.connect import ask
from api.cli.findings import report_lines
from api.cli.local import gather
from api.cli.output import REPORTS, write_lines
from api.cli.planning import plan_findings, show_plan, with_places
from api.cli.shared import invocation_of
from api.cli.tasting import PATIENCE, EnvoyPath, Patience, Taste, Taster, require_tasty
from api.cli.terminal import say
from api.errors import Conflict, InvalidConfig
from snapshots import codes

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead plan examples/first",
    "fairlead plan examples/first --exit-code -o json",
    "fairlead plan production --against origin/main",
)
DIFFERENCES = 1
CLAIMED = codes.NAME_CLAIMED
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Directories, files, or - ; default: here.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="End with 1 when something would change.")]
Partial = Annotated[bool, typer.Option("--partial", help="Refuse only what cannot be read; plan the rest.")]
Reference = Annotated[
    str, typer.Option("--against", metavar="REF", help="Compare with a git branch, tag or commit, without a server.")
]


def command(
    context: typer.Context,
    paths: Paths = None,
    exit_code: ExitCode = False,
    partial: Partial = False,
    reference: Reference = "",
    taste: Taste = False,
    envoy: EnvoyPath = None,
    taste_timeout: Patience = PATIENCE,
) -> None:
    """Show what applying would change, field by field, and how many gateways it would reach. Stores nothing.

    With -o github or sarif: what is wrong alone, for CI. With --against: what a directory changes of what the
    reference of its own git repository has there; no server is asked.
    """
    named = the_directory(paths or ["."]) if reference else paths or ["."]
    invocation, gathered, against = invocation_of(context), gather(named), None
    if taste:
        say(require_tasty(gathered, Taster(envoy, taste_timeout), partial=partial).line())

    async def planned(client: ManagementClient) -> pb.PlanResponse:
        return await client.plan(gathered.documents, partial=partial)

    with gathered.clickable():
        if reference:
            plan, against = plan_against(gathered, reference, partial=partial)
        else:
            plan = ask(invocation, planned)
        if invocation.output in REPORTS:
            write_lines(report_lines([gathered.shown(each) for each in plan_findings(plan)], invocation.output))
        refuse_errors(plan, partial=partial)
    if invocation.output not in REPORTS:
        show_plan(with_places(plan, gathered), invocation, against)
    if exit_code and (plan.changes or (against and plan.objects)):
        raise typer.Exit(DIFFERENCES)


def refuse_errors(plan: pb.PlanResponse, *, partial: bool) -> None:
    """Raise InvalidConfig, or Conflict when only names of other workspaces are in the way, with all findings."""
    findings = plan_findings(plan)
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors or (partial and not plan.refused):
        return
    if all(finding.code == CLAIMED for finding in errors):
        raise Conflict("names belong to another workspace; nothing was stored", findings=findings)
    raise InvalidConfig("the documents cannot be applied; nothing was stored", findings=findings)
