"""`kind: Workspace`: whose documents these are, and which group of gateways is served them. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snapshots.authoring.envelope import Envelope, Report, name_at, number_at, only_fields
from snapshots.authoring.names import SHORT_NAME_LIMIT
from snapshots.authoring.yaml_nodes import Mapping, Place, describe, place_of
from snapshots.checks.budgets import UNLIMITED, Budgets
from snapshots.codes import WORKSPACE_MISPLACED, WRONG_TYPE

_BUDGETS = "spec.budgets"
# As written -> the field of Budgets, and from where to where it may be.
_BUDGET_FIELDS = {
    "resources": ("resources", 1, None),
    "sizeBytes": ("size_bytes", 1, None),
    "growthPercent": ("growth_percent", 1, None),
    "removedPercent": ("removed_percent", 0, 100),
}
WORKSPACE_FILE = "fairlead.yaml"
STDIN_PATH = "<stdin>"


@dataclass(frozen=True, slots=True)
class WorkspaceDocument:
    """A Workspace as authored. `budgets`: the team's own, beside those of whoever runs the server."""

    name: str
    group: str
    path: str
    place: Place
    budgets: Budgets = UNLIMITED


def read_workspace(path: str, envelope: Envelope, report: Report) -> WorkspaceDocument | None:
    """The Workspace in `envelope`; None if anything is wrong with it, and then `report` says what."""
    if path not in (WORKSPACE_FILE, STDIN_PATH):
        text = f"a Workspace can only stand in {WORKSPACE_FILE} at the top of the directory"
        report.wrong(WORKSPACE_MISPLACED, text, envelope.place, "move it there, or remove it", at="kind")
    only_fields(envelope.spec, ("group", "budgets"), report, within="spec")
    group, _ = name_at(envelope.spec, "group", SHORT_NAME_LIMIT, report, within="spec")
    budgets = _budgets(envelope.spec, report)
    if group is None or report.mistakes:
        return None
    return WorkspaceDocument(envelope.name, group, path, envelope.place, budgets)


def _budgets(spec: Mapping, report: Report) -> Budgets:
    entry = spec.entries.get("budgets")
    if entry is None:
        return UNLIMITED
    if not isinstance(entry.node, Mapping):
        text = f"{_BUDGETS} must be a mapping, this is {describe(entry.node)}"
        report.wrong(WRONG_TYPE, text, place_of(spec, ("budgets",)), at=_BUDGETS)
        return UNLIMITED
    only_fields(entry.node, tuple(_BUDGET_FIELDS), report, within=_BUDGETS)
    read = {
        name: number_at(entry.node, key, low, high, report, within=_BUDGETS)
        for key, (name, low, high) in _BUDGET_FIELDS.items()
        if key in entry.node.entries
    }
    return replace(UNLIMITED, **read)
