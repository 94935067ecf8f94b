"""What all stages came to, and what of it changed since it was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.sheet import Follower
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl

ResourceKey = tuple[TypeUrl, str]


class Product(NamedTuple):
    """A resource and the object that it stands for."""

    subject: ObjectKey
    resource: Resource


class Told(NamedTuple):
    """The status of an object. `order` is that of the statuses of all objects."""

    subject: ObjectKey
    status: dict[str, Any]
    order: tuple[Any, ...]


class Results:
    """Filled by followers of columns."""

    def __init__(self) -> None:
        self.products: dict[ResourceKey, Product] = {}
        self.statuses: dict[ObjectKey, Told] = {}
        self.changed_products: set[ResourceKey] = set()
        self.changed_statuses: set[ObjectKey] = set()
        self._by_subject: dict[ObjectKey, set[ResourceKey]] = {}
        self._complaints: dict[tuple[str, Any], tuple[Complaint, ...]] = {}

    def made_of(self, subjects: Iterable[ObjectKey]) -> set[ResourceKey]:
        """The resources that stand for any of these objects."""
        return {key for subject in subjects for key in self._by_subject.get(subject, ())}

    @property
    def complaints(self) -> Iterable[Complaint]:
        """All, in no order of theirs."""
        return (each for found in self._complaints.values() for each in found)

    def taken(self) -> None:
        """What changed up to here is known."""
        self.changed_products, self.changed_statuses = set(), set()

    def produce(self, key: Any, before: Any, after: Any) -> None:
        """A follower of what is a Product, or several."""
        for each in _several(before):
            _take(self.products, _key(each), each)
            self.changed_products.add(_key(each))
        for each in _several(after):
            self.products[_key(each)] = each
            self._by_subject.setdefault(each.subject, set()).add(_key(each))
            self.changed_products.add(_key(each))
        for each in _several(before):
            self._forget(each.subject, _key(each))

    def _forget(self, subject: ObjectKey, key: ResourceKey) -> None:
        """That a resource stands for an object, unless it still does."""
        product = self.products.get(key)
        made = self._by_subject.get(subject)
        if made is not None and (product is None or product.subject != subject):
            made.discard(key)
            if not made:
                del self._by_subject[subject]

    def tell(self, key: Any, before: tuple[Told, ...] | None, after: tuple[Told, ...] | None) -> None:
        """A follower of statuses."""
        for each in before or ():
            self.changed_statuses.add(each.subject)
            _take(self.statuses, each.subject, each)
        for each in after or ():
            self.changed_statuses.add(each.subject)
            self.statuses[each.subject] = each

    def complain(self, stage: str, of: Callable[[Any], tuple[Complaint, ...]]) -> Follower:
        """A follower of values that complaints are a part `of`; a `stage` is told from others by its name."""

        def follow(key: Any, before: Any, after: Any) -> None:
            found = of(after) if after is not None else ()
            if found:
                self._complaints[stage, key] = found
            else:
                self._complaints.pop((stage, key), None)

        return follow


def _key(each: Product) -> ResourceKey:
    return (each.resource.type_url, each.resource.name)


def _take(kept: dict[Any, Any], key: Any, each: object) -> None:
    """Unless another cell gave something else in the meantime."""
    if kept.get(key) is each:
        del kept[key]


def _several(value: Any) -> tuple[Product, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, Product) else value
