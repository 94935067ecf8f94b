"""A reference to something that is not among the resources: a warning, never an error. Pure.

It may be there all the same: in another workspace of the group, or in Envoy's own bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

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
        # Resources by a number of their own, which goes over to what takes the place of one and refers to the same.
        self._numbers: dict[int, int] = {}
        self._resources: dict[int, CompiledResource] = {}
        self._counted = count()
        # Which numbers need what; and how many define it.
        self._needed: dict[Reference, int | set[int]] = {}
        self._defined: dict[TypeUrl, dict[str, int]] = {}
        self._missing: set[Reference] = set()
        self._suggestions: dict[Reference, str] = {}

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        left = {id(each): each for each in gone}
        named = {(each.resource.type_url, each.resource.name): each for each in gone}
        for each in new:  # what is replaced is not missing meanwhile
            before = named.get((each.resource.type_url, each.resource.name))
            alike = before is not None and before.resource.references == each.resource.references
            if before is not None and alike and id(before) in left:
                self._replace(left.pop(id(before)), each)
            else:
                self._add(each)
        for each in left.values():
            self._remove(each)

    def concerns(self) -> Iterator[Concern]:
        comparisons = 0
        for reference in sorted(self._missing):
            comparisons += len(self._defined.get(reference.type_url, ()))
            near = self._near(reference) if comparisons <= _COMPARISONS_LIMIT else ""
            hint = near or (_ENDPOINTS if reference.type_url == ENDPOINT else _ELSEWHERE)
            text = f'{kind_of(reference.type_url)} "{reference.name}" is not defined here'
            users = self._needed[reference]
            origins = [self._resources[each].origin for each in ((users,) if isinstance(users, int) else users)]
            for origin in sorted(origins, key=self._order):
                yield Concern(REFERENCE_DANGLING, text, origin, hint, "warning", mentions=reference.name)

    def _near(self, reference: Reference) -> str:
        if reference not in self._suggestions:
            names = sorted(self._defined.get(reference.type_url, ()))
            self._suggestions[reference] = did_you_mean(reference.name, names)
        return self._suggestions[reference]

    def _replace(self, before: CompiledResource, each: CompiledResource) -> None:
        if each.resource.references:
            number = self._numbers[id(each)] = self._numbers.pop(id(before))
            self._resources[number] = each

    def _add(self, each: CompiledResource) -> None:
        resource = each.resource
        names = self._defined.setdefault(resource.type_url, {})
        if resource.name not in names:
            self._suggestions.clear()
            self._missing.discard(Reference(resource.type_url, resource.name))
        names[resource.name] = names.get(resource.name, 0) + 1
        if resource.references:
            number = self._numbers[id(each)] = next(self._counted)
            self._resources[number] = each
            for reference in dict.fromkeys(resource.references):
                self._need(reference, number)

    def _need(self, reference: Reference, number: int) -> None:
        users = self._needed.setdefault(reference, number)
        if isinstance(users, set):
            users.add(number)
        elif users != number:
            self._needed[reference] = {users, number}
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
        if resource.references:
            number = self._numbers.pop(id(each))
            del self._resources[number]
            for reference in dict.fromkeys(resource.references):
                self._need_no_more(reference, number)

    def _need_no_more(self, reference: Reference, number: int) -> None:
        users = self._needed[reference]
        if not isinstance(users, set):
            del self._needed[reference]
            self._missing.discard(reference)
            return
        users.discard(number)
        if len(users) == 1:
            self._needed[reference] = users.pop()
