"""Whose documents a repository says it holds, against whose the source publishes. No I/O.

Which workspace a repository may write is said by who runs the sync, never by the repository alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.gitops.sources import Source
from snapshots.authoring.contents import decoded
from snapshots.authoring.envelope import Report, read_envelope
from snapshots.authoring.workspace import WORKSPACE_FILE, WorkspaceDocument, read_workspace
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import DEFAULT_GROUP, DEFAULT_WORKSPACE, Document


def owned(source: Source, documents: Iterable[Document]) -> Source:
    """The source with its workspace and group: those it was given, else what the documents say, else "default"."""
    said = _said(documents)
    return replace(
        source,
        workspace=source.workspace or (said.name if said else DEFAULT_WORKSPACE),
        group=source.group or (said.group if said else DEFAULT_GROUP),
    )


def disagreement(source: Source, documents: Iterable[Document]) -> str:
    """What the documents say of themselves that the source does not; empty when they agree, or say nothing."""
    said = _said(documents)
    if said is None or (said.name, said.group) == (source.workspace, source.group):
        return ""
    return (
        f'{said.path}:{said.place.line} says workspace "{said.name}" of group "{said.group}", but source {source.name} '
        f'publishes workspace "{source.workspace}" of group "{source.group}"; make the two agree'
    )


def _said(documents: Iterable[Document]) -> WorkspaceDocument | None:
    """The Workspace document; None without one, or with one that the server will have more to say about."""
    document = next((each for each in documents if each.path == WORKSPACE_FILE), None)
    if document is None:
        return None
    text, refusal = decoded(document)
    roots = () if refusal else read_yaml(text.text).documents
    for root in roots:
        report = Report()
        envelope = read_envelope(root, report)
        if envelope is not None and envelope.kind == "Workspace" and not report.mistakes:
            return read_workspace(document.path, envelope, report)
    return None
