"""Documents -> a checked set of resources, each with the place it came from. Pure: no I/O, no clock, no order.

The same documents compile to the same bytes whatever order they are given in, and one bad document never hides what
is wrong with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from snapshots.authoring.cache import CompileCache
from snapshots.authoring.contents import Contents, read_contents
from snapshots.authoring.envelope import WORKSPACE
from snapshots.authoring.envoy_statuses import with_concerns
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.names import name_problem
from snapshots.authoring.object_compilation import compile_objects
from snapshots.authoring.pieces import read_pieces
from snapshots.authoring.places import Places
from snapshots.authoring.printable import printable
from snapshots.authoring.source import Mistake
from snapshots.authoring.workspace import WorkspaceDocument
from snapshots.checks.budgets import UNLIMITED, Budgets
from snapshots.checks.checks import concerns
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


def compile_documents(
    api: EnvoyApi,
    documents: Iterable[Document],
    *,
    workspace: str = "",
    group: str = "",
    cache: CompileCache | None = None,
) -> Compilation:
    """Compile one workspace. `workspace` and `group` override what its `Workspace` document says, if given.

    `cache`: what unchanged files held is taken from there, and kept there; the result is the same.
    """
    files = sorted(documents, key=lambda document: (document.path, document.content))
    contents = [each for document in files for each in _contents(api, document, cache)]
    places = Places(files)
    owner, findings = _owner(contents, workspace, group, places)
    for each in contents:
        findings.extend(each.findings)
    resources = [compiled for each in contents for compiled in each.compiled(WorkspaceName(owner.name))]
    gateway = compile_objects(api, [each for one in contents for each in one.objects], WorkspaceName(owner.name))
    resources += gateway.resources
    found = [concern for concern in concerns(resources) if not _is_elsewhere(concern, gateway.elsewhere)]
    if has_errors(findings):
        # What could not be compiled is missing from the whole: to refer to it is not wrong.
        found = [concern for concern in found if concern.code != REFERENCE_DANGLING]
    findings.extend(places.finding(concern) for concern in found)
    if refused := {id(concern.origin) for concern in found if concern.severity == "error"}:
        resources = [each for each in resources if id(each.origin) not in refused]
    findings.extend(places.finding(concern) for concern in gateway.concerns)
    return Compilation(
        WorkspaceName(owner.name),
        GroupName(owner.group),
        tuple(sorted(resources, key=lambda each: (each.resource.type_url, each.resource.name))),
        tuple(sorted(findings, key=_by_place)),
        (*gateway.statuses, *with_concerns([told for each in contents for told in each.statuses], found)),
        owner.budgets,
    )


def _is_elsewhere(concern: Concern, names: frozenset[str]) -> bool:
    """Whether something seems to be missing that is not to stand in documents."""
    return concern.code == REFERENCE_DANGLING and concern.mentions in names


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether anything here refuses a publish."""
    return any(finding.severity == "error" for finding in findings)


def _contents(api: EnvoyApi, document: Document, cache: CompileCache | None) -> Iterable[Contents]:
    """What a file holds: in one, or piece by piece."""
    if cache is None:
        return (read_contents(api, document),)
    kept = cache.get(document)
    if kept is None:
        kept = read_pieces(api, document, cache.newest(document.path))
        cache.put(document, kept)
    return (piece.contents for piece in kept)


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


def _by_place(finding: Finding) -> tuple[str, int, int, str, str]:
    return (finding.path, finding.line, finding.column, finding.code, finding.message)
