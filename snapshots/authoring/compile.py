"""Documents -> a checked set of resources, each with the place it came from. Pure: no I/O, no clock, no order.

The same documents compile to the same bytes whatever order they are given in, and one bad document never hides what
is wrong with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from snapshots.authoring.contents import Contents
from snapshots.authoring.envelope import WORKSPACE
from snapshots.authoring.envoy_statuses import with_concerns
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.kept_workspace import KeptWorkspace
from snapshots.authoring.names import name_problem
from snapshots.authoring.object_compilation import ObjectCompiler
from snapshots.authoring.places import Places
from snapshots.authoring.printable import printable
from snapshots.authoring.source import Mistake
from snapshots.authoring.without_collection import without_collection
from snapshots.authoring.workspace import WorkspaceDocument
from snapshots.checks.budgets import UNLIMITED, Budgets
from snapshots.checks.concern import Concern
from snapshots.codes import INVALID_NAME, REFERENCE_DANGLING, WORKSPACE_TWICE
from snapshots.model import DEFAULT_GROUP, DEFAULT_WORKSPACE, CompiledResource, Document, WorkspaceName
from xds.protocol.types import GroupName


@dataclass(frozen=True, slots=True)
class Compilation:
    """What a workspace's documents come to. `resources` sorted by (type URL, name), `findings` by place.

    With an error among the findings, `resources` holds those that nothing is wrong with, each name once.
    `findings` holds what `snapshots.checks` has to say as well, at its exact place: nobody needs to ask it again.
    """

    workspace: WorkspaceName
    group: GroupName
    resources: tuple[CompiledResource, ...]
    findings: tuple[Finding, ...]
    statuses: tuple[ObjectStatus, ...] = ()
    budgets: Budgets = UNLIMITED

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings refuse nothing."""
        return not has_errors(self.findings)


@without_collection()
def compile_documents(
    api: EnvoyApi,
    documents: Iterable[Document],
    *,
    workspace: str = "",
    group: str = "",
    kept: KeptWorkspace | None = None,
) -> Compilation:
    """Compile one workspace. `workspace` and `group` override what its `Workspace` document says, if given.

    `kept`: what it came to before is taken from there, and kept there; the result is the same. An error that passes
    through leaves it in no state to be used again.
    """
    kept = kept or KeptWorkspace(api)
    changed = kept.files.change(documents)
    places, notable = kept.places, kept.files.notable
    owner, findings = _owner(notable, workspace, group, places)
    kept.change(*changed, WorkspaceName(owner.name))
    for each in notable:
        findings.extend(each.findings)
    found = [concern for concern in kept.checked.concerns() if not _is_elsewhere(concern, kept.objects)]
    if has_errors(findings):
        # What could not be compiled is missing from the whole: to refer to it is not wrong.
        found = [concern for concern in found if concern.code != REFERENCE_DANGLING]
    findings.extend(places.findings((*found, *kept.objects.concerns())))
    resources = kept.resources
    if refused := {id(concern.origin) for concern in found if concern.severity == "error"}:
        resources = tuple(each for each in resources if id(each.origin) not in refused)
    return Compilation(
        WorkspaceName(owner.name),
        GroupName(owner.group),
        resources,
        tuple(sorted(findings, key=_by_place)),
        (*kept.objects.statuses, *with_concerns(kept.statuses, found)),
        owner.budgets,
    )


def _is_elsewhere(concern: Concern, objects: ObjectCompiler) -> bool:
    """Whether something seems to be missing that is not to stand in documents."""
    return concern.code == REFERENCE_DANGLING and objects.is_elsewhere(concern.mentions)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether anything here refuses a publish."""
    return any(finding.severity == "error" for finding in findings)


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    group: str
    budgets: Budgets


def _owner(contents: Sequence[Contents], workspace: str, group: str, places: Places) -> tuple[_Owner, list[Finding]]:
    """Whose documents these are, and what is wrong with that."""
    found = [document for each in contents for document in each.workspaces]
    findings = [places.finding_in(each.path, _second_workspace(each, found[0])) for each in found[1:]]
    for what, name in (("workspace", workspace), ("group", group)):
        why = name_problem(name) if name else ""
        if why:
            findings.append(Finding(INVALID_NAME, f'the {what} name "{printable(name)}" {why}', field=what))
    name = workspace or (found[0].name if found else DEFAULT_WORKSPACE)
    budgets = found[0].budgets if found else UNLIMITED
    return _Owner(name, group or (found[0].group if found else DEFAULT_GROUP), budgets), findings


def _second_workspace(second: WorkspaceDocument, first: WorkspaceDocument) -> Mistake:
    text = f"a directory has one Workspace; {first.name} is already in {first.path}:{first.place.line}"
    title = f"{WORKSPACE} {second.name}"
    return Mistake(WORKSPACE_TWICE, text, second.place, "remove one of the two", "kind", title)


def _by_place(finding: Finding) -> tuple[str | int, ...]:
    place = (finding.path, finding.line, finding.column)
    return (*place, finding.code, finding.message, finding.field, finding.resource, finding.suggestion)
