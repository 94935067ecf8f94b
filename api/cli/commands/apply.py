"""`fairlead apply`: publish documents, and follow them to the gateways."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.commands.plan import Partial, Paths, refuse_errors
from api.cli.connect import ask
from api.cli.findings import finding_lines
from api.cli.local import Gathered, gather
from api.cli.planning import allow_beyond_budgets, plan_findings, show_plan, with_places
from api.cli.publishing import author, finish, now_s, once_more_is_safe
from api.cli.shared import Invocation, invocation_of
from api.cli.tasting import PATIENCE, EnvoyPath, Patience, Taste, Taster, require_tasty
from api.cli.terminal import Paint, say
from api.errors import InvalidConfig, ServerUnreachable, StoreUnavailable, TimedOut

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead apply examples/first --wait",
    'fairlead apply examples/first --message "more endpoints" --base 41',
    "fairlead apply examples/first --dry-run",
)
Wait = Annotated[bool, typer.Option("--wait", help="Follow the revision until the gateways have acknowledged it.")]
Base = Annotated[
    int | None, typer.Option("--base", metavar="N", min=0, help="Refuse if the workspace has moved past revision N.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go on though it is beyond a budget; the revision says so.")]
Message = Annotated[str, typer.Option("--message", "-m", help="Why; kept with the revision.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change and store nothing.")]
BreakGlass = Annotated[
    bool,
    typer.Option("--break-glass", help="Publish though a repository is followed here; the record says so."),
]
Key = Annotated[
    str, typer.Option("--idempotency-key", metavar="KEY", help="The same key publishes once, however often it is sent.")
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options ask for."""

    wait: bool
    base: int | None
    partial: bool
    yes: bool
    message: str
    dry_run: bool
    key: str
    source: str
    break_glass: bool = False


def command(
    context: typer.Context,
    paths: Paths = None,
    wait: Wait = False,
    base: Base = None,
    partial: Partial = False,
    yes: Yes = False,
    message: Message = "",
    dry_run: DryRun = False,
    idempotency_key: Key = "",
    break_glass: BreakGlass = False,
    taste: Taste = False,
    envoy: EnvoyPath = None,
    taste_timeout: Patience = PATIENCE,
) -> None:
    """Publish documents as the next revision: the workspace is replaced with what they hold.

    Plans first; what is no longer in the documents is removed. What is beyond a budget needs a yes, and the revision's
    message has it: more than a tenth removed, all of it, tenfold growth. Two people who apply at once do not overwrite
    each other: the second is told who was first (exit 5).
    """
    given = paths or ["."]
    wish = Wish(wait, base, partial, yes, message, dry_run, idempotency_key, " ".join(given), break_glass)
    invocation, gathered = invocation_of(context), gather(given)
    if taste:
        say(require_tasty(gathered, Taster(envoy, taste_timeout), partial=partial).line())

    async def apply(client: ManagementClient) -> None:
        await _apply(client, gathered, wish, invocation)

    with gathered.clickable():
        ask(invocation, apply)


async def _apply(client: ManagementClient, gathered: Gathered, wish: Wish, invocation: Invocation) -> None:
    if gathered.is_empty and not wish.yes:
        raise InvalidConfig(f"there are no documents (*.yaml, *.yml) in {gathered.top}; to serve nothing, say --yes")
    with _nothing_stored():
        plan = await client.plan(gathered.documents, partial=wish.partial)
    refuse_errors(plan, partial=wish.partial)
    if wish.dry_run:
        show_plan(with_places(plan, gathered), invocation)
        return
    await allow_beyond_budgets(plan, yes=wish.yes)
    started_s = now_s()
    with once_more_is_safe():
        published = await _publish(client, gathered, wish, plan)
    _warn(gathered, plan, invocation)
    await finish(client, published, invocation, wait=wish.wait, started_s=started_s)


@contextmanager
def _nothing_stored() -> Iterator[None]:
    """A server or store that is away while it is only asked: say that it is as if nothing had been tried."""
    try:
        yield
    except (ServerUnreachable, StoreUnavailable, TimedOut) as error:
        error.message = f"{error.message}\nnothing was stored"
        raise


async def _publish(
    client: ManagementClient, gathered: Gathered, wish: Wish, plan: pb.PlanResponse
) -> pb.PublishResponse:
    # The plan's own base goes along: what was planned, and agreed to, is what is published, or nothing is.
    return await client.publish(
        gathered.documents,
        base=plan.base if wish.base is None else wish.base,
        author=author(),
        message=wish.message,
        source=wish.source,
        idempotency_key=wish.key,
        partial=wish.partial,
        # Asked and answered, if there was anything to ask.
        beyond_budgets=wish.yes or bool(plan.beyond_budgets),
        break_glass=wish.break_glass,
    )


def _warn(gathered: Gathered, plan: pb.PlanResponse, invocation: Invocation) -> None:
    findings = plan_findings(with_places(plan, gathered))
    for line in finding_lines(findings, Paint(invocation.color, sys.stderr)):
        say(line)
