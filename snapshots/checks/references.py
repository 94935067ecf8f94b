"""A reference to something that is not among the resources: a warning, never an error. Pure.

It may be there all the same: in another workspace of the group, or in Envoy's own bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from api.envoy.problem import did_you_mean
from snapshots.checks.concern import Concern, Order, kind_of
from snapshots.codes import REFERENCE_DANGLING
from snapshots.model import CompiledResource
from xds.protocol.resource import Reference
from xds.protocol.types import ENDPOINT, TypeUrl

_ELSEWHERE = "define it, unless another workspace or Envoy's bootstrap does"
_ENDPOINTS = "define it, unless another workspace does, or `fairlead endpoints set` is to"
# Comparing a name with all others costs. After this many comparisons nobody reads suggestions any more.
_COMPARISONS_LIMIT = 20_000


class DanglingReferences:
    """One concern for each name that a resource needs and nobody defines."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._resources: dict[int, CompiledResource] = {}
        # Which resources (by id) need what; and how many define it.
        self._needed: dict[Reference, set[int]] = {}
        self._defined: dict[TypeUrl, dict[str, int]] = {}
        self._missing: set[Reference] = set()
        self._suggestions: dict[Reference, str] = {}

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        for each in new:  # what is replaced is not missing meanwhile
            self._add(each)
        for each in gone:
            self._remove(each)

    def concerns(self) -> Iterator[Concern]:
        comparisons = 0
        for reference in sorted(self._missing):
            comparisons += len(self._defined.get(reference.type_url, ()))
            near = self._near(reference) if comparisons <= _COMPARISONS_LIMIT else ""
            hint = near or (_ENDPOINTS if reference.type_url == ENDPOINT else _ELSEWHERE)
            text = f'{kind_of(reference.type_url)} "{reference.name}" is not defined here'
            origins = [self._resources[each].origin for each in self._needed[reference]]
            for origin in sorted(origins, key=self._order):
                yield Concern(REFERENCE_DANGLING, text, origin, hint, "warning", mentions=reference.name)

    def _near(self, reference: Reference) -> str:
        if reference not in self._suggestions:
            names = sorted(self._defined.get(reference.type_url, ()))
            self._suggestions[reference] = did_you_mean(reference.name, names)
        return self._suggestions[reference]

    def _add(self, each: CompiledResource) -> None:
        resource = each.resource
        names = self._defined.setdefault(resource.type_url, {})
        if resource.name not in names:
            self._suggestions.clear()
            self._missing.discard(Reference(resource.type_url, resource.name))
        names[resource.name] = names.get(resource.name, 0) + 1
        if resource.references:
            self._resources[id(each)] = each
        for reference in resource.references:
            self._needed.setdefault(reference, set()).add(id(each))
            if reference.name not in self._defined.get(reference.type_url, ()):
                self._missing.add(reference)

    def _remove(self, each: CompiledResource) -> None:
        resource = each.resource
        names = self._defined[resource.type_url]
        names[resource.name] -= 1
        if not names[resource.name]:
            del names[resource.name]
            self._suggestions.clear()
            own = Reference(resource.type_url, resource.name)
            if own in self._needed:
                self._missing.add(own)
        self._resources.pop(id(each), None)
        for reference in dict.fromkeys(resource.references):
            users = self._needed[reference]
            users.discard(id(each))
            if not users:
                del self._needed[reference]
                self._missing.discard(reference)
