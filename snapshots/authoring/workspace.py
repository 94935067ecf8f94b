"""`kind: Workspace`: whose documents these are, and which group of gateways is served them. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.authoring.envelope import Envelope, Report, name_at, only_fields
from snapshots.authoring.names import SHORT_NAME_LIMIT
from snapshots.authoring.yaml_nodes import Place
from snapshots.codes import WORKSPACE_MISPLACED

WORKSPACE_FILE = "fairlead.yaml"
STDIN_PATH = "<stdin>"


@dataclass(frozen=True, slots=True)
class WorkspaceDocument:
    """A Workspace as authored."""

    name: str
    group: str
    path: str
    place: Place


def read_workspace(path: str, envelope: Envelope, report: Report) -> WorkspaceDocument | None:
    """The Workspace in `envelope`; None if anything is wrong with it, and then `report` says what."""
    if path not in (WORKSPACE_FILE, STDIN_PATH):
        text = f"a Workspace can only stand in {WORKSPACE_FILE} at the top of the directory"
        report.wrong(WORKSPACE_MISPLACED, text, envelope.place, "move it there, or remove it", at="kind")
    only_fields(envelope.spec, ("group",), report, within="spec")
    group, _ = name_at(envelope.spec, "group", SHORT_NAME_LIMIT, report, within="spec")
    if group is None or report.mistakes:
        return None
    return WorkspaceDocument(envelope.name, group, path, envelope.place)
