"""`fairlead plan --against REF`: what documents change of those that a git reference has, without a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.findings import counted
from api.cli.local import Gathered
from api.cli.terminal import escape, say
from api.errors import Finding, InvalidConfig
from snapshots.commits import SHORT_CHARACTERS

if TYPE_CHECKING:
    from agents.gitops.reference import Referred
    from api.management.v1 import management_pb2 as pb
    from snapshots.authoring.compile import Compilation


@dataclass(frozen=True, slots=True)
class Against:
    """What a plan is compared with, in the place of what a server serves."""

    reference: str
    commit: str
    is_new: bool = False

    def __str__(self) -> str:
        new = ", which has no such directory: all is new" if self.is_new else ""
        return f"{escape(self.reference)} ({self.commit[:SHORT_CHARACTERS]}){new}"

    def document(self) -> dict[str, Any]:
        """For -o json."""
        return {"reference": self.reference, "commit": self.commit, "is_new": self.is_new}


def plan_against(gathered: Gathered, reference: str, *, partial: bool) -> tuple[pb.PlanResponse, Against]:
    """Compile both and compare. Raises InvalidConfig when there is nothing to compare with.

    What is wrong on the other side is no error of this one: it is said, and what can be served of it counts.
    """
    from agents.gitops.reference import documents_at
    from api.envoy.registry import load_default
    from snapshots.authoring.compile import compile_documents

    referred = documents_at(gathered.top, reference)
    before = compile_documents(load_default(), referred.documents)
    after = compile_documents(load_default(), gathered.documents)
    _say_what_is_wrong_there(referred, before, after)
    return _plan(gathered, referred, before, after, partial), Against(reference, referred.commit, referred.is_new)


def _plan(
    gathered: Gathered, referred: Referred, before: Compilation, after: Compilation, partial: bool
) -> pb.PlanResponse:
    from api.envoy.registry import load_default
    from api.management.compiling import is_refused
    from api.management.details import finding_message
    from api.management.planning import add_changes, key_of, object_message
    from api.management.v1 import management_pb2 as pb
    from snapshots.authoring.differences import object_changes

    own = {key_of(one.resource): one for one in before.resources}
    plan = pb.PlanResponse(
        group=after.group,
        workspace=after.workspace,
        findings=map(finding_message, after.findings),
        resources_before=len(own),
        refused=is_refused(after, partial=partial),
    )
    if not plan.refused:
        add_changes(plan, load_default(), own, after.resources)
        changed = object_changes(referred.documents, gathered.documents)
        plan.objects.extend(object_message(each, after.workspace) for each in changed)
        plan.beyond_budgets.extend(map(finding_message, _beyond_budgets(plan, before, after)))
    return plan


def _beyond_budgets(plan: pb.PlanResponse, before: Compilation, after: Compilation) -> tuple[Finding, ...]:
    """By the workspace's own budgets, and those that a server has unless it is told others."""
    from snapshots.checks.budgets import Budgets, Weighing, Weight, over_budget

    weight = Weight.of(after.resources)
    removed = plan.resources_removed
    weighing = Weighing(after.workspace, Weight.of(before.resources), weight, removed, after.group, weight)
    return over_budget(weighing, Budgets(), after.budgets)


def _say_what_is_wrong_there(referred: Referred, before: Compilation, after: Compilation) -> None:
    name = escape(referred.reference)
    wrong = len(referred.findings) + sum(each.severity == "error" for each in before.findings)
    if wrong and not referred.is_new:
        say(f"the documents of {name} have {counted(wrong, 'error')}; compared with what of them can be served")
    there, here = ((each.workspace, each.group) for each in (before, after))
    if there != here and referred.documents:
        moved = " to ".join(escape(f"workspace {workspace} of group {group}") for workspace, group in (there, here))
        say(f"the documents move from {moved}; what is followed by `fairlead gitops` cannot")


def the_directory(paths: list[str]) -> list[str]:
    """Of what was named, the one directory. Raises InvalidConfig for more, for files and for standard input."""
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        raise InvalidConfig("--against compares one directory; name it, or none for the one that you are in")
    return paths
