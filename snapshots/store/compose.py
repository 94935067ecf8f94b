"""A group's state, and what a publication makes of it. Pure: given the head and what is wanted, gives what to store.

A group is composed of its workspaces: a publication replaces what its own workspace holds, and touches nothing
of the others. The owner of a resource is the workspace in its origin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from snapshots.store import refusals
from snapshots.store.codec import PIECE_LIMIT_BYTES, Digest
from snapshots.store.forms import DOCUMENTS, ORIGINS, RESOURCES, Key
from snapshots.store.holding import Holding, Step, step
from snapshots.store.protocol import Publication, ResourceChange
from snapshots.store.tree import Growth, Tree, compare
from xds.protocol.resource import Resource


@dataclass(frozen=True, slots=True)
class GroupState:
    """The three trees of a revision, decoded, and the same entries by the workspace that holds them.

    `holdings` None: they are worked out again when somebody publishes on top of this.
    """

    content: Tree[Resource] = field(default_factory=lambda: Tree(RESOURCES))
    origins: Tree[Origin] = field(default_factory=lambda: Tree(ORIGINS))
    documents: Tree[bytes] = field(default_factory=lambda: Tree(DOCUMENTS))
    holdings: Mapping[WorkspaceName, Holding] | None = field(default_factory=dict)

    @classmethod
    def of(cls, content: Tree[Resource], origins: Tree[Origin], documents: Tree[bytes]) -> GroupState:
        """With its holdings; costs the whole group, once per load."""
        return cls(content, origins, documents, _holdings(content, origins, documents))

    def held(self) -> Mapping[WorkspaceName, Holding]:
        """Who holds what; costs the whole group where it is not known."""
        return _holdings(self.content, self.origins, self.documents) if self.holdings is None else self.holdings

    def at_rest(self) -> GroupState:
        """The same for keeping: trees of several revisions share what is alike, holdings do not."""
        return replace(self, holdings=None)

    @property
    def roots(self) -> tuple[Digest, Digest, Digest]:
        return self.content.manifest.digest, self.origins.manifest.digest, self.documents.manifest.digest


def _holdings(
    content: Tree[Resource], origins: Tree[Origin], documents: Tree[bytes]
) -> Mapping[WorkspaceName, Holding]:
    resources: dict[WorkspaceName, dict[Key, CompiledResource]] = defaultdict(dict)
    papers: dict[WorkspaceName, dict[str, Document]] = defaultdict(dict)
    for bucket, places in zip(content.buckets, origins.buckets, strict=True):
        for key, resource in bucket.items():
            resources[places[key].workspace][key] = CompiledResource(resource, places[key])
    for (workspace, path), text in documents.items():
        papers[WorkspaceName(workspace)][path] = Document(path, text)
    return {name: Holding.of(resources[name], papers[name]) for name in {*resources, *papers}}


@dataclass(frozen=True, slots=True)
class Composition:
    """The state after a publication, the pieces it newly names, and how many resources it added, changed, removed.

    `is_change` is False when everything, documents and places included, is as it was.
    """

    state: GroupState
    blobs: Mapping[Digest, bytes]
    is_change: bool
    added: int
    changed: int
    removed: int


@dataclass(slots=True)
class _Changes:
    """What a publication does to the trees, gathered in one pass."""

    content: dict[Key, Resource | None] = field(default_factory=dict)
    origins: dict[Key, Origin | None] = field(default_factory=dict)
    documents: dict[Key, bytes | None] = field(default_factory=dict)


def compose(state: GroupState, publication: Publication) -> Composition:
    """Replace what the publication's workspace holds. Costs what is not the same object as before.

    Raises InvalidConfig for a name given twice, LimitExceeded, Conflict for names that other workspaces hold.
    """
    holdings = state.held()
    held = holdings.get(publication.workspace, Holding())
    taken = step(held, publication)
    changes = _changes(state, held, taken, publication.workspace)
    content, origins = state.content.changed(changes.content), state.origins.changed(changes.origins)
    documents = state.documents.changed(changes.documents)
    _check_manifests(publication, (content, origins, documents))
    added = sum(key not in held.resources for key in changes.content)
    removed = sum(resource is None for resource in changes.content.values())
    holdings = {**holdings, publication.workspace: taken.wanted}
    return Composition(
        state=GroupState(content.tree, origins.tree, documents.tree, holdings),
        blobs={**content.blobs, **origins.blobs, **documents.blobs},
        is_change=bool(changes.content or changes.origins or changes.documents),
        added=added,
        changed=len(changes.content) - added - removed,
        removed=removed,
    )


def _changes(state: GroupState, held: Holding, taken: Step, workspace: WorkspaceName) -> _Changes:
    changes, claims = _Changes(), list[tuple[Origin, Origin]]()
    for key in taken.keys:
        before, after = held.resources.get(key), taken.wanted.resources.get(key)
        if before is None and after is not None and (other := state.origins.get(key)) is not None:
            claims.append((after.origin, other))
        if after is None:
            changes.content[key] = changes.origins[key] = None
            continue
        if before is None or before.origin != after.origin:
            changes.origins[key] = after.origin
        if before is None or before.resource != after.resource:
            changes.content[key] = after.resource
    if claims:
        raise refusals.claimed(claims)
    for path in taken.paths:
        old, new = held.documents.get(path), taken.wanted.documents.get(path)
        if old != new:
            changes.documents[workspace, path] = new.content if new else None
    return changes


def _check_manifests(publication: Publication, grown: tuple[Growth[Resource], Growth[Origin], Growth[bytes]]) -> None:
    size = max(len(growth.tree.manifest.encoded) for growth in grown)
    if size > PIECE_LIMIT_BYTES:
        raise refusals.manifest_too_large(publication.group, size)


def resource_changes(before: Tree[Resource], after: Tree[Resource]) -> tuple[ResourceChange, ...]:
    """What differs between two contents, sorted by type URL and name."""
    return tuple(ResourceChange(old, new) for old, new in compare(before, after).values())


def moved_workspaces(before: GroupState, after: GroupState) -> frozenset[WorkspaceName]:
    """The workspaces whose resources, places or documents differ between two states."""
    moved: set[WorkspaceName] = set()
    for old, new in compare(before.origins, after.origins).values():
        moved.update(origin.workspace for origin in (old, new) if origin is not None)
    for key in compare(before.content, after.content):
        owners = (before.origins.get(key), after.origins.get(key))
        moved.update(origin.workspace for origin in owners if origin is not None)
    moved.update(WorkspaceName(key[0]) for key in compare(before.documents, after.documents))
    return frozenset(moved)
