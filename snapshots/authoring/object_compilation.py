"""The Gateway API objects of one workspace -> its resources, what is wrong with them, and their statuses. Pure.

What was compiled before is kept: a change of some objects costs what depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.endpoints import endpoints_name, left_to_the_api
from snapshots.authoring.gateway.stages.results import ResourceKey
from snapshots.authoring.gateway.translate import Translator
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.ordered import Ordered
from snapshots.authoring.patches.memory import PatchMemory
from snapshots.authoring.patches.stage import PATCH_KIND, Patched, patched
from snapshots.authoring.patches.writes import Write
from snapshots.checks.concern import Concern
from snapshots.codes import DOCUMENT_TWICE
from snapshots.model import CompiledResource, Origin, WorkspaceName


class ObjectCompiler:
    """Compiles the objects of one workspace again and again. Where something stands is known here alone: an object that
    only moved is the same to the translator."""

    def __init__(self, api: EnvoyApi, workspace: WorkspaceName, resources: Ordered[CompiledResource]) -> None:
        """`resources`: where to keep them, by type, name and 1."""
        self._api, self._workspace = api, workspace
        self._translator = Translator(api)
        self._all: dict[ObjectKey, tuple[AuthoredObject, ...]] = {}
        self._twice: set[ObjectKey] = set()
        self._translated: dict[ObjectKey, AuthoredObject] = {}
        self._origins: dict[ObjectKey, Origin] = {}
        self._elsewhere: dict[str, None] = {}
        self._resources = resources
        self._statuses: Ordered[ObjectStatus] = Ordered()
        self._orders: dict[ObjectKey, Any] = {}
        self._patched, self._memory = Patched(), PatchMemory()

    def change(self, gone: Sequence[AuthoredObject], new: Sequence[AuthoredObject]) -> None:
        """The workspace is without `gone`, the very objects that came before, and has `new`."""
        moved, changes = self._renewed(gone, new)
        results = self._translator.change(changes)
        again = results.made_of(moved)
        before, self._patched = self._patched, self._patches()
        changed = results.changed_products | again | before.resources.keys() | self._patched.resources.keys()
        for key in changed:
            self._resources.put((*key, 1), self._compiled(key))
        self._tell(results.changed_statuses | moved | changes.keys())
        results.taken()

    @property
    def statuses(self) -> tuple[ObjectStatus, ...]:
        patches = (ObjectStatus(self._all[each.subject.key][0], each.status) for each in self._patched.statuses)
        return (*self._statuses.all(), *patches)

    def concerns(self) -> Iterator[Concern]:
        """These are of the standard's making: they refuse a publish unless it is partial."""
        yield from self._told_twice()
        for each in self._translator.results.complaints:
            yield self._concern(each)
        for each in self._patched.complaints:
            yield self._concern(each)

    @property
    def world(self) -> World:
        return self._translator.world

    @property
    def listeners(self) -> tuple[BoundListener, ...]:
        """All that are bound."""
        return self._translator.listeners

    @property
    def writes(self) -> Mapping[ResourceKey, tuple[Write, ...]]:
        """What patches wrote, and where."""
        return self._patched.writes

    def subject(self, key: ResourceKey) -> AuthoredObject | None:
        """The object that a resource stands for."""
        product = self._translator.results.products.get(key)
        return self._all[product.subject][0] if product is not None else None

    def is_elsewhere(self, name: str) -> bool:
        """Whether documents leave the endpoints of that name to the endpoints API."""
        return name in self._elsewhere

    def _renewed(
        self, gone: Sequence[AuthoredObject], new: Sequence[AuthoredObject]
    ) -> tuple[set[ObjectKey], dict[ObjectKey, AuthoredObject | None]]:
        """The objects whose place is another, and those that are another themselves. Of two of one name the first
        counts."""
        left = {id(each) for each in gone}
        added: dict[ObjectKey, list[AuthoredObject]] = {each.key: [] for each in gone}
        for each in new:
            added.setdefault(each.key, []).append(each)
        moved: set[ObjectKey] = set()
        changes: dict[ObjectKey, AuthoredObject | None] = {}
        for key, found in added.items():
            stay = (each for each in self._all.get(key, ()) if id(each) not in left)
            self._put(key, tuple(sorted((*stay, *found), key=_place)), moved, changes)
        return moved, changes

    def _put(
        self,
        key: ObjectKey,
        found: tuple[AuthoredObject, ...],
        moved: set[ObjectKey],
        changes: dict[ObjectKey, AuthoredObject | None],
    ) -> None:
        self._twice.discard(key)
        if len(found) > 1:
            self._twice.add(key)
        before = self._translated.get(key)
        if not found:
            del self._all[key], self._origins[key], self._translated[key]
            self._elsewhere.pop(endpoints_name(key), None)
            changes[key] = None
            return
        self._all[key] = found
        first = found[0]
        origin = _origin(first, self._workspace)
        if self._origins.get(key) != origin:
            self._origins[key] = origin
            moved.add(key)
        if before is None or not before.says_the_same(first):
            self._translated[key] = changes[key] = first
            self._elsewhere.pop(endpoints_name(key), None)
            if left_to_the_api(first):
                self._elsewhere[endpoints_name(key)] = None

    def _patches(self) -> Patched:
        """What patches make of it. Of two of one name the first counts, as with all objects."""
        patches = self._translator.world.of(PATCH_KIND)
        if not patches:
            return Patched()
        made = {key: each.resource for key, each in self._translator.results.products.items()}
        return patched(self._api, patches, self.world, self.listeners, made, self._memory)

    def _compiled(self, key: ResourceKey) -> CompiledResource | None:
        """The very object that it was, if it is the same."""
        product = self._translator.results.products.get(key)
        if product is None:
            return None
        made, before = self._patched.resources.get(key, product.resource), self._resources.get((*key, 1))
        origin = self._origins[product.subject]
        if before is not None and before.origin is origin and before.resource == made:
            return before
        return CompiledResource(made, origin)

    def _tell(self, changed: Iterable[ObjectKey]) -> None:
        """A status is that of the object where it stands now."""
        for key in changed:
            told, before = self._translator.results.statuses.get(key), self._orders.pop(key, None)
            if before is not None and (told is None or told.order != before):
                self._statuses.put(before, None)
            if told is not None:
                self._orders[key] = told.order
                self._statuses.put(told.order, ObjectStatus(self._all[key][0], told.status))

    def _told_twice(self) -> Iterator[Concern]:
        for key in self._twice:
            before, *others = self._all[key]
            for each in others:
                text = f"{key} is already in {before.path}:{before.place.line}"
                hint = "rename one of the two, or remove it"
                origin = _origin(each, self._workspace)
                yield Concern(DOCUMENT_TWICE, text, origin, hint, at=("metadata", "name"))

    def _concern(self, complaint: Complaint) -> Concern:
        other = complaint.beside
        beside = (self._origins[other.subject.key], other.path) if other is not None else None
        return Concern(
            complaint.code,
            complaint.message,
            self._origins[complaint.subject.key],
            complaint.suggestion,
            complaint.severity,
            complaint.path,
            beside=beside,
        )


def _place(each: AuthoredObject) -> tuple[str, Any]:
    return (each.path, each.place)


def _origin(each: AuthoredObject, workspace: WorkspaceName) -> Origin:
    name = f"{each.namespace}/{each.name}" if each.namespace else each.name
    return Origin(workspace, each.path, each.place.line, each.place.column, each.key.kind, name)
