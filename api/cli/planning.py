"""A plan as it is shown, and the question that a plan which removes much must pass."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from api.cli.against import Against
from api.cli.changes import Changes, summary
from api.cli.findings import counted, finding_documents, finding_lines
from api.cli.local import Gathered, shown_path
from api.cli.messages import plain
from api.cli.object_changes import ObjectChanges
from api.cli.output import Format, Listing, show_listing, write_lines
from api.cli.shared import Invocation
from api.cli.terminal import Paint, can_ask, confirm, escape, say
from api.errors import Finding, InvalidConfig
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

REMOVED_FREELY = 0.1


def with_places(plan: pb.PlanResponse, gathered: Gathered) -> pb.PlanResponse:
    """The plan with the places of its changes and findings as seen from the working directory."""
    for change in plan.changes:
        change.origin.path = shown_path(change.origin.path, gathered.top)
    for authored in plan.objects:
        authored.origin.path = shown_path(authored.origin.path, gathered.top)
    for finding in plan.findings:
        finding.path = shown_path(finding.path, gathered.top)
    return plan


def plan_findings(plan: pb.PlanResponse) -> tuple[Finding, ...]:
    from api.management.details import finding_from

    return tuple(map(finding_from, plan.findings))


def beyond_budgets(plan: pb.PlanResponse) -> tuple[Finding, ...]:
    """What publishing is refused for, unless it is said to be meant."""
    from api.management.details import finding_from

    return tuple(map(finding_from, plan.beyond_budgets))


def show_plan(plan: pb.PlanResponse, invocation: Invocation, against: Against | None = None) -> None:
    """Print a plan: a line a field, then what it comes to. Warnings go to standard error. `against`: what it was
    compared with, if that is not what a server serves."""
    for line in finding_lines((*plan_findings(plan), *beyond_budgets(plan)), Paint(invocation.color, sys.stderr)):
        say(line)
    if invocation.output not in (Format.TABLE, Format.WIDE):
        show_listing(Listing((), (), _names(plan.changes), plan_document(plan, against)), invocation.output)
        return
    paint, wide = Paint(invocation.color, sys.stdout), invocation.output is Format.WIDE
    write_lines(ObjectChanges().lines(plan.objects, paint, every_field=wide))
    # What comes of the objects, resource by resource; and what changes though no object does.
    if wide or not plan.objects:
        write_lines(Changes().lines(plan.changes, paint, every_field=wide))
    write_lines(summary_lines(plan, against))


def summary_lines(plan: pb.PlanResponse, against: Against | None = None) -> list[str]:
    """What the plan comes to, whom it reaches, what that does to their connections, what it stands on."""
    reaches = f" Reaches {plan.nodes_reached} of {counted(plan.nodes_total, 'gateway')}{_regions(plan)}."
    base = f"revision {plan.base}" if plan.base else f"none, the group {plan.group} is new"
    if against is not None:
        reaches, base = "", str(against)
    xds = f"xDS: {summary(plan.changes)}.{reaches}"
    if not plan.changes:
        return [xds, f"Base: {base}"]
    details = [*drain_lines(plan.drains), *warming_lines(plan.warmings)]
    return [xds, *details, f"{_drains(plan)} {_warms(plan)} Base: {base}"]


def _regions(plan: pb.PlanResponse) -> str:
    """` (eu 400, us 12)`; nothing where no gateway says where it is."""
    counts: Counter[str] = Counter()
    for each in plan.localities:
        counts[each.region] += each.nodes
    if not any(counts):
        return ""
    shown = (f"{escape(region) or 'elsewhere'} {count}" for region, count in counts.most_common())
    return f" ({', '.join(shown)})"


def _drains(plan: pb.PlanResponse) -> str:
    whole = sum(drain.whole for drain in plan.drains)
    chains = sum(len(drain.filter_chains) for drain in plan.drains)
    words = [counted(whole, "listener")] if whole else []
    words += [counted(chains, "filter chain")] if chains else []
    return f"Drains {' and '.join(words) or 'no listener'}."


def _warms(plan: pb.PlanResponse) -> str:
    return f"Warms {counted(len(plan.warmings), 'cluster') if plan.warmings else 'no cluster'}."


def drain_lines(drains: Iterable[pb.Drain]) -> Iterator[str]:
    """`drains listener web: address changed; all its connections are cut`, one line a listener."""
    for drain in drains:
        name = escape(drain.listener)
        if drain.whole:
            yield f"drains listener {name}: {drain.because}; all its connections are cut"
        else:
            chains = ", ".join(map(escape, drain.filter_chains))
            yield f"drains of listener {name} filter chain {chains}: {drain.because}; its connections are cut"


def warming_lines(warmings: Iterable[pb.Warming]) -> Iterator[str]:
    """`warms cluster carts again: its connections to backends are closed`; what is new needs no line of its own."""
    for warming in warmings:
        if warming.rebuilt:
            yield f"warms cluster {escape(warming.cluster)} anew: its connections to backends are closed"


def plan_document(plan: pb.PlanResponse, against: Against | None = None) -> dict[str, Any]:
    """A plan for -o json. Without a server there is no base, and no gateway that it reaches."""
    changes, objects = Changes(), ObjectChanges()
    reached: dict[str, Any] = {
        "nodes_reached": plan.nodes_reached,
        "nodes_total": plan.nodes_total,
        "localities": [plain(each) for each in plan.localities],
    }
    return {
        "group": plan.group,
        "workspace": plan.workspace,
        **({"against": against.document()} if against else {"base": plan.base}),
        "objects": [objects.document(change) for change in plan.objects],
        "changes": [changes.document(change) for change in plan.changes],
        "findings": finding_documents(plan_findings(plan)),
        "beyond_budgets": finding_documents(beyond_budgets(plan)),
        **({} if against else reached),
        "drains": [plain(each) for each in plan.drains],
        "warmings": [plain(each) for each in plan.warmings],
        "resources_before": plan.resources_before,
        "resources_removed": plan.resources_removed,
    }


def show_changes(changes: list[pb.Change], document: dict[str, Any], invocation: Invocation) -> None:
    """Print the changes between two revisions; `document` says which two."""
    changed = Changes()
    if invocation.output in (Format.TABLE, Format.WIDE):
        paint = Paint(invocation.color, sys.stdout)
        write_lines(changed.lines(changes, paint, every_field=invocation.output is Format.WIDE))
        say(f"xDS: {summary(changes)}.")
        return
    whole = {**document, "changes": [changed.document(change) for change in changes]}
    show_listing(Listing((), (), _names(changes), whole), invocation.output)


def _names(changes: Any) -> tuple[str, ...]:
    return tuple(name_of(change.type_url, change.name) for change in changes)


async def allow_beyond_budgets(plan: pb.PlanResponse, *, yes: bool) -> None:
    """Ask when something is beyond a budget. Raises InvalidConfig, with all that is, when the answer is not yes."""
    found = beyond_budgets(plan)
    if yes or not found:
        return
    if can_ask():
        for finding in found:
            say(str(finding))
        if await confirm("Go on?"):
            return
        raise InvalidConfig("nothing was stored")
    raise InvalidConfig("this is beyond a budget; say --yes if it is meant. Nothing was stored", findings=found)


async def allow_removals(removed: int, before: int, what: str, *, yes: bool) -> None:
    """Ask when more than a tenth of what is there would go. Raises InvalidConfig when the answer is not yes."""
    if yes or not before or removed <= before * REMOVED_FREELY:
        return
    words = f"{what} removes {removed} of {counted(before, 'resource')}, more than a tenth"
    if not can_ask():
        raise InvalidConfig(f"{words}; look at `fairlead plan`, and say --yes if it is meant. Nothing was stored")
    if not await confirm(f"{words}. Go on?"):
        raise InvalidConfig("nothing was stored")
