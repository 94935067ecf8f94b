"""What to store for a publication or a rollback: the next revision's records, ready to be written. Pure.

The time is given. Whether the head is still the head when this is written is for the store's transaction to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.errors import Finding
from snapshots.checks.budgets import over_budget
from snapshots.model import WorkspaceName
from snapshots.store import refusals
from snapshots.store.chain import FIRST_IN_CHAIN
from snapshots.store.codec import Digest
from snapshots.store.compose import GroupState, compose, moved_workspaces, resource_changes
from snapshots.store.protocol import AuditRecord, Publication, Revision, Rollback
from snapshots.store.records import RevisionRecord, audit_of
from snapshots.store.weighing import weighed


@dataclass(frozen=True, slots=True)
class Head:
    """A group as it stands: its newest record and the decoded state."""

    record: RevisionRecord
    state: GroupState

    @property
    def revision(self) -> Revision:
        return self.record.revision


@dataclass(frozen=True, slots=True)
class Draft:
    """The next head, its audit record, and the pieces to be stored before it: those that the old head does not name."""

    head: Head
    audit: AuditRecord
    blobs: Mapping[Digest, bytes]


def draft_publication(head: Head | None, publication: Publication, now_s: float) -> Draft | None:
    """The next revision, or None when the publication changes nothing. Raises Conflict for names held by others.

    A group's first publication is always a revision: without one there is no group. Raises InvalidConfig for what is
    beyond a budget and not said to be meant.
    """
    state = head.state if head else GroupState()
    composition = compose(state, publication)
    if head and not composition.is_change:
        return None
    beyond: tuple[Finding, ...] = ()
    if publication.budgets is not None:
        beyond = over_budget(weighed(state, composition, publication), *publication.budgets)
    if beyond and not publication.beyond_budgets:
        raise refusals.beyond_budgets(beyond)
    number = head.revision.number + 1 if head else 1
    workspaces = head.revision.workspaces if head else {}
    revision = Revision(
        group=publication.group,
        number=number,
        parent=number - 1,
        snapshot=composition.state.content.manifest.digest,
        workspace=publication.workspace,
        workspaces={**workspaces, publication.workspace: number},
        author=publication.author,
        message=refusals.allowed(publication.message, publication.author, beyond),
        source=publication.source,
        created_at_s=now_s,
        idempotency_key=publication.idempotency_key,
        traceparent=publication.traceparent,
        added=composition.added,
        changed=composition.changed,
        removed=composition.removed,
    )
    return _draft(head, revision, composition.state, {**_first_manifests(head, composition.state), **composition.blobs})


def draft_rollback(head: Head, to: Head, rollback: Rollback, now_s: float) -> Draft | None:
    """The revision that serves again what `to` served, or None when that is what is served."""
    if head.record.roots == to.record.roots:
        return None
    number = head.revision.number + 1
    counts = _counts(head, to)
    revision = Revision(
        group=rollback.group,
        number=number,
        parent=number - 1,
        snapshot=to.revision.snapshot,
        workspace=to.revision.workspace,
        workspaces=_workspaces_after(head, to, number),
        author=rollback.author,
        message=rollback.message,
        source="",
        created_at_s=now_s,
        idempotency_key=rollback.idempotency_key,
        traceparent=rollback.traceparent,
        rolled_back_to=rollback.to,
        added=counts[0],
        changed=counts[1],
        removed=counts[2],
    )
    return _draft(head, revision, to.state, {})


def is_repeat_of_publication(first: Head, publication: Publication) -> bool:
    """Whether the revision that a key has made is what this publication would make of it: nothing new."""
    made = first.revision
    if made.rolled_back_to or made.workspace != publication.workspace:
        return False
    return not compose(first.state, publication).is_change


def _draft(head: Head | None, revision: Revision, state: GroupState, blobs: Mapping[Digest, bytes]) -> Draft:
    audit = audit_of(revision, head.record.audit if head else FIRST_IN_CHAIN)
    _, origins, documents = state.roots
    return Draft(Head(RevisionRecord(revision, origins, documents, audit.digest), state), audit, blobs)


def _first_manifests(head: Head | None, state: GroupState) -> Mapping[Digest, bytes]:
    # A tree that a first revision leaves empty has no new pieces, and yet its manifest is named.
    manifests = (state.content.manifest, state.origins.manifest, state.documents.manifest)
    return {} if head else {manifest.digest: manifest.encoded for manifest in manifests}


def _counts(head: Head, to: Head) -> tuple[int, int, int]:
    changes = resource_changes(head.state.content, to.state.content)
    added = sum(change.before is None for change in changes)
    removed = sum(change.after is None for change in changes)
    return added, len(changes) - added - removed, removed


def _workspaces_after(head: Head, to: Head, number: int) -> Mapping[WorkspaceName, int]:
    """A workspace that the rollback changes or empties has moved, so that a base from before is stale for it."""
    moved = moved_workspaces(head.state, to.state)
    known = {**to.revision.workspaces, **head.revision.workspaces}
    return {workspace: number if workspace in moved else known[workspace] for workspace in sorted(known)}
