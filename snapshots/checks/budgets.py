"""What one publication may come to: how many resources and bytes, how much more than before, how much may go. Pure.

Below what gateways can take, so that a slip is stopped before the first of them sees it. Who means it says so, and the
record of the revision has it.  safety.md, "Budgets".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api.errors import Finding
from snapshots import codes
from snapshots.model import CompiledResource

# Growing is no matter below these, whatever the share.
GROWTH_FREE_RESOURCES = 1_000
GROWTH_FREE_BYTES = 4 * 1024 * 1024
_MEANT = "or say --yes if it is meant"


@dataclass(frozen=True, slots=True)
class Budgets:
    """Percents are of what was there before. 0: as much as may be; for `removed_percent` that is 100."""

    resources: int = 100_000
    size_bytes: int = 256 * 1024 * 1024
    growth_percent: int = 900
    removed_percent: int = 10


UNLIMITED = Budgets(0, 0, 0, 100)


@dataclass(frozen=True, slots=True)
class Weight:
    """So many resources, and the bytes of their bodies."""

    resources: int = 0
    size_bytes: int = 0

    @classmethod
    def of(cls, resources: Iterable[CompiledResource]) -> Weight:
        sizes = [len(each.resource.body) for each in resources]
        return cls(len(sizes), sum(sizes))


@dataclass(frozen=True, slots=True)
class Weighing:
    """What a workspace has before and after, how much of it goes, and what its whole group comes to."""

    workspace: str
    before: Weight
    after: Weight
    removed: int
    group: str = ""
    group_after: Weight = Weight()


def over_budget(weighing: Weighing, operators: Budgets, own: Budgets = UNLIMITED) -> tuple[Finding, ...]:
    """What is beyond the operator's budgets, or the workspace's own; of two budgets the smaller counts."""
    of_workspace = f"workspace {weighing.workspace}"
    return (
        *_absolute(f"group {weighing.group}", weighing.group_after, operators),
        *_absolute(of_workspace, weighing.after, own),
        *_growth(of_workspace, weighing, _smaller(operators.growth_percent, own.growth_percent)),
        *_removal(of_workspace, weighing, min(operators.removed_percent, own.removed_percent)),
    )


def _smaller(one: int, other: int) -> int:
    """Of two limits of which 0 is none."""
    return min((each for each in (one, other) if each), default=0)


def _absolute(whose: str, after: Weight, budgets: Budgets) -> Iterator[Finding]:
    if 0 < budgets.resources < after.resources:
        text = f"{whose} would have {after.resources:,} resources, and its budget is {budgets.resources:,}"
        yield Finding(codes.BUDGET_RESOURCES, text, suggestion=f"spread them over several groups, {_MEANT}")
    if 0 < budgets.size_bytes < after.size_bytes:
        text = f"{whose} would have {after.size_bytes:,} bytes, and its budget is {budgets.size_bytes:,}"
        yield Finding(codes.BUDGET_SIZE, text, suggestion=f"spread them over several groups, {_MEANT}")


def _growth(whose: str, weighing: Weighing, percent: int) -> Iterator[Finding]:
    sides = (
        ("resources", weighing.before.resources, weighing.after.resources, GROWTH_FREE_RESOURCES),
        ("bytes", weighing.before.size_bytes, weighing.after.size_bytes, GROWTH_FREE_BYTES),
    )
    for unit, before, after, free in sides:
        limit = max(free, before + before * percent // 100)
        if percent and before and after > limit:
            text = f"{whose} would grow from {before:,} to {after:,} {unit}, and may grow to {limit:,} at once"
            yield Finding(codes.BUDGET_GROWTH, text, suggestion=f"apply it in steps, {_MEANT}")


def _removal(whose: str, weighing: Weighing, percent: int) -> Iterator[Finding]:
    before = weighing.before.resources
    hint = "look at `fairlead plan`, and say --yes if it is meant"
    if before and not weighing.after.resources:
        yield Finding(codes.BUDGET_EMPTIED, f"{whose} would have nothing left of {before:,} resources", suggestion=hint)
    elif weighing.removed * 100 > before * percent:
        share = round(100 * weighing.removed / before)
        text = f"this removes {weighing.removed:,} of {before:,} resources of {whose} ({share} %)"
        yield Finding(codes.BUDGET_REMOVED, f"{text}, and {percent} % may go at once", suggestion=hint)
