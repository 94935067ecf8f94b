"""No two resources of one type with one name: only one of them could be served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from api.envoy.resources import NAME_FIELDS
from snapshots.checks.concern import Concern, Order, kind_of
from snapshots.codes import DOCUMENT_TWICE, RESOURCE_TWICE
from snapshots.model import CompiledResource, Origin

_Name = tuple[str, str]


class Duplicates:
    """One concern for each resource whose document, or else whose (type, name), is there before it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._documents, self._names = _Names(), _Names()

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        for each in gone:
            self._documents.remove((each.origin.kind, each.origin.name), each)
            self._names.remove((each.resource.type_url, each.resource.name), each)
        for each in new:
            self._documents.add((each.origin.kind, each.origin.name), each)
            self._names.add((each.resource.type_url, each.resource.name), each)

    def concerns(self) -> Iterator[Concern]:
        """Of those only that share a name with another: all others have nothing to do with it."""
        suspects = {id(each): each for each in (*self._documents.shared(), *self._names.shared())}
        yield from _duplicates(sorted(suspects.values(), key=lambda each: self._order(each.origin)))


class _Names:
    """Who has a name. Nearly all are alone with theirs, or share it with what was made of the same document."""

    def __init__(self) -> None:
        self._first: dict[_Name, CompiledResource] = {}
        self._others: dict[_Name, dict[int, CompiledResource]] = {}
        self._shared: dict[_Name, None] = {}

    def add(self, name: _Name, each: CompiledResource) -> None:
        first = self._first.setdefault(name, each)
        if first is not each:
            self._others.setdefault(name, {})[id(each)] = each
        if first.origin is not each.origin:
            self._shared[name] = None

    def remove(self, name: _Name, each: CompiledResource) -> None:
        others = self._others.get(name, {})
        if self._first[name] is not each:
            del others[id(each)]
        elif others:
            self._first[name] = others.pop(next(iter(others)))
        else:
            del self._first[name]
        if not others:
            self._others.pop(name, None)
        if name in self._shared and not self._is_shared(name):
            del self._shared[name]

    def shared(self) -> Iterator[CompiledResource]:
        """All of each name that several documents have."""
        for name in self._shared:
            yield self._first[name]
            yield from self._others[name].values()

    def _is_shared(self, name: _Name) -> bool:
        others = self._others.get(name, {})
        return any(each.origin is not self._first[name].origin for each in others.values())


def _duplicates(resources: Sequence[CompiledResource]) -> Iterator[Concern]:
    """`resources` in the order in which "already there" is to be understood."""
    documents: dict[_Name, Origin] = {}
    names: dict[_Name, Origin] = {}
    for each in resources:
        origin, resource = each.origin, each.resource
        first = documents.setdefault((origin.kind, origin.name), origin)
        if first is not origin:
            text = f"{origin.kind} {origin.name} is already in {_place(first)}"
            yield Concern(DOCUMENT_TWICE, text, origin, "rename one of the two, or remove it", at=("metadata", "name"))
            continue  # a document that is there twice has its resource there twice: said once
        first = names.setdefault((resource.type_url, resource.name), origin)
        if first is not origin:
            text = f'{kind_of(resource.type_url)} "{resource.name}" is already in {_place(first)}'
            at = ("spec", NAME_FIELDS[resource.type_url])
            yield Concern(RESOURCE_TWICE, text, origin, "rename one of the two, or remove it", at=at)


def _place(origin: Origin) -> str:
    return f"{origin.path}:{origin.line}"
