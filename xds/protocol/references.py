"""Who refers to what in one group, kept as changes come: O(references of what changed). Names only."""

from __future__ import annotations

from xds.protocol.resource import Reference, Resource

_Key = tuple[str, str]


class ReverseReferences:
    """For every name that is referred to, the resources that do, as references to them."""

    def __init__(self) -> None:
        self._referrers: dict[_Key, set[_Key]] = {}

    def replace(self, before: Resource | None, after: Resource | None) -> None:
        """A resource changed, appeared or went. A route table names thousands, and nearly all of them as before."""
        old, new = _references(before), _references(after)
        for reference in old - new:
            self._drop(reference, _key(before))
        for reference in new - old:
            self._referrers.setdefault((reference.type_url, reference.name), set()).add(_key(after))

    def referrers(self, type_url: str, name: str) -> frozenset[tuple[str, str]]:
        """(type URL, name) of everything that refers to `name`, whether or not it exists."""
        return frozenset(self._referrers.get((type_url, name), ()))

    def is_referred_to(self, type_url: str, name: str, by_type: str = "") -> bool:
        found = self._referrers.get((type_url, name), ())
        return any(kind == by_type for kind, _ in found) if by_type else bool(found)

    def _drop(self, reference: Reference, referrer: _Key) -> None:
        found = self._referrers.get((reference.type_url, reference.name))
        if found is None:
            return
        found.discard(referrer)
        if not found:
            del self._referrers[(reference.type_url, reference.name)]


def _references(resource: Resource | None) -> frozenset[Reference]:
    return frozenset(resource.references) if resource is not None else frozenset()


def _key(resource: Resource | None) -> _Key:
    assert resource is not None  # it has references
    return resource.type_url, resource.name
