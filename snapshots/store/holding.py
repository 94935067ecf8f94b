"""What one workspace holds in its group, and what a publication makes of that. Pure.

A publication brings all that its workspace wants. What it brings as the same object as the last one is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from snapshots.checks.budgets import Weight
from snapshots.difference import difference
from snapshots.model import CompiledResource, Document, WorkspaceName
from snapshots.store import refusals
from snapshots.store.forms import Key
from snapshots.store.protocol import Publication


@dataclass(frozen=True, slots=True)
class Holding:
    """Resources with their places by key, documents by path; the objects that were given for them, in order; and what
    the bodies of all resources come to."""

    resources: Mapping[Key, CompiledResource] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    given_resources: tuple[CompiledResource, ...] = ()
    given_documents: tuple[Document, ...] = ()
    size_bytes: int = 0

    @classmethod
    def of(cls, resources: Mapping[Key, CompiledResource], documents: Mapping[str, Document]) -> Holding:
        given = tuple(resources.values())
        return cls(resources, documents, given, tuple(documents.values()), _size_bytes(given))

    @property
    def weight(self) -> Weight:
        return Weight(len(self.resources), self.size_bytes)


@dataclass(frozen=True, slots=True)
class Step:
    """What is wanted after a holding, and the keys and paths at which the two may differ; nowhere else do they."""

    wanted: Holding
    keys: tuple[Key, ...]
    paths: tuple[str, ...]


def step(held: Holding, publication: Publication) -> Step:
    """To what the publication asks for. Raises InvalidConfig for a name given twice, LimitExceeded."""
    resources = difference(held.given_resources, publication.resources)
    documents = difference(held.given_documents, publication.documents)
    refusals.check_limits(resources.new, documents.new)
    wanted_resources, wanted_documents = dict(held.resources), dict(held.documents)
    keys = dict.fromkeys(map(_key, (*resources.gone, *resources.new)))
    paths = dict.fromkeys(document.path for document in (*documents.gone, *documents.new))
    for key in map(_key, resources.gone):
        wanted_resources.pop(key, None)
    for document in documents.gone:
        wanted_documents.pop(document.path, None)
    wanted_resources.update((_key(each), _owned(each, publication.workspace)) for each in resources.new)
    wanted_documents.update((document.path, document) for document in documents.new)
    if (len(wanted_resources), len(wanted_documents)) != (len(publication.resources), len(publication.documents)):
        raise refusals.named_twice(publication)
    size_bytes = held.size_bytes - _size_bytes(resources.gone) + _size_bytes(resources.new)
    wanted = Holding(wanted_resources, wanted_documents, publication.resources, publication.documents, size_bytes)
    return Step(wanted, tuple(keys), tuple(paths))


def _size_bytes(items: Iterable[CompiledResource]) -> int:
    return sum(len(each.resource.body) for each in items)


def _key(item: CompiledResource) -> Key:
    return item.resource.type_url, item.resource.name


def _owned(item: CompiledResource, workspace: WorkspaceName) -> CompiledResource:
    if item.origin.workspace == workspace:
        return item
    return replace(item, origin=replace(item.origin, workspace=workspace))
