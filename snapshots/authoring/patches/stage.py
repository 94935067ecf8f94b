"""All patches of a workspace in their order: by priority, then by namespace and name. Pure.

What no patch names costs nothing: it is neither read nor written anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from api.envoy.problem import ONEOF_SET_TWICE, path_text
from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.patch import EnvoyPatchSpec
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.patches.memory import PatchMemory
from snapshots.authoring.patches.merging import leaves, merged
from snapshots.authoring.patches.operations import PatchFailed, Patching
from snapshots.authoring.patches.parts import NAMES, Find
from snapshots.authoring.patches.results import NotAMessage, json_of, resource_from
from snapshots.authoring.patches.shapes import Shape, canonical
from snapshots.authoring.patches.statuses import patch_status
from snapshots.authoring.patches.targets import ResourceKey, Targets
from snapshots.authoring.patches.writes import Write, is_below, nearest, overlapping
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import PATCH_IDLE, PATCH_RENAMES, PATCHES_OVERLAP
from xds.protocol.resource import Resource

PATCH_KIND = "EnvoyPatch"


@dataclass(frozen=True, slots=True)
class Patched:
    """`resources`: those that patches changed. `writes`: what they wrote there, in their order."""

    resources: Mapping[ResourceKey, Resource] = field(default_factory=dict)
    complaints: tuple[Complaint, ...] = ()
    statuses: tuple[ObjectStatus, ...] = ()
    writes: Mapping[ResourceKey, tuple[Write, ...]] = field(default_factory=dict)


def patched(
    api: EnvoyApi,
    patches: Sequence[AuthoredObject],
    world: World,
    listeners: Sequence[BoundListener],
    resources: Mapping[ResourceKey, Resource],
    memory: PatchMemory | None = None,
) -> Patched:
    """What `patches` make of `resources`. One that cannot be done is left out and told so; the others are done.

    `memory`: what it keeps of the last run need not be done again; the result is the same.
    """
    if not patches:
        return Patched()
    memory = memory or PatchMemory()
    stage = _Stage(api, Targets(world, listeners, resources), memory)
    for patch in sorted(patches, key=_order):
        stage.take(patch)
    memory.end_of_run()
    writes = {key: tuple(found.writes) for key, found in stage.done.items()}
    changed = {key: found.resource for key, found in stage.done.items()}
    return Patched(changed, tuple(stage.complaints), tuple(stage.statuses), writes)


def _order(patch: AuthoredObject) -> tuple[int, str, str]:
    return (patch.model.spec.priority, patch.namespace, patch.name)


@dataclass(frozen=True, slots=True)
class _Change:
    """Patches done to one resource: what it is then, and what was written. `history`: which patches, by `id`, and at
    which paths; with the version that it begins from, all that this depends on."""

    resource: Resource
    json: dict[str, Any]
    writes: Sequence[Write]
    history: tuple[Hashable, ...]


@dataclass(slots=True)
class _Stage:
    """The patches that were taken so far, and what they came to."""

    api: EnvoyApi
    targets: Targets
    memory: PatchMemory
    done: dict[ResourceKey, _Change] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    statuses: list[ObjectStatus] = field(default_factory=list)

    def take(self, patch: AuthoredObject) -> None:
        """Do one patch, in all places or in none."""
        try:
            finds: dict[ResourceKey, list[Find]] = {}
            for spot in self.targets.spots(patch):
                finds.setdefault(spot.key, []).append(spot.find)
            made = ((key, self._change(patch, key, found)) for key, found in finds.items())
            changes = {key: change for key, change in made if change is not None}
        except PatchFailed as failed:
            wrong = Complaint(patch, failed.at, failed.code, "", failed.message, failed.suggestion)
            self._tell(patch, wrong)
            return
        self._tell(patch, None if changes else _idle(patch))
        overlaps = [found for change in changes.values() for found in self._overlaps(patch, change.writes)]
        self.complaints.extend(overlaps[:1])  # said once, however many places it has
        self.done.update(changes)

    def _tell(self, patch: AuthoredObject, wrong: Complaint | None) -> None:
        if wrong is not None:
            self.complaints.append(wrong)
        self.statuses.append(patch_status(patch, wrong))

    def _change(self, patch: AuthoredObject, key: ResourceKey, finds: Sequence[Find]) -> _Change | None:
        """A resource with the patch done to all its parts; None if it has none of them. Raises PatchFailed."""
        before = self.done.get(key) or self._untouched(key)
        found = (path for find in finds for path in find(before.json)) if before is not None else ()
        paths = tuple(dict.fromkeys(found))
        if before is None or not paths:
            return None
        history = (*before.history, (id(patch), paths))
        return self.memory.of(history, lambda: self._changed(patch, before, paths, history), patch)

    def _untouched(self, key: ResourceKey) -> _Change | None:
        """A resource as it is before all patches."""
        resource = self.targets.resources.get(key)
        if resource is None:
            return None
        history = (key, resource.version)
        return self.memory.of(history, lambda: _Change(resource, json_of(self.api, resource), (), history))

    def _changed(
        self, patch: AuthoredObject, before: _Change, paths: Sequence[Path], history: tuple[Hashable, ...]
    ) -> _Change:
        json, writes = deepcopy(before.json), before.writes
        for path in paths:
            json, writes = _done(self.api, patch, json, path, writes)
        return _Change(self._resource(patch, before.resource, json, writes), json, writes, history)

    def _resource(
        self, patch: AuthoredObject, before: Resource, json: dict[str, Any], writes: Sequence[Write]
    ) -> Resource:
        try:
            return resource_from(self.api, before, json)
        except NotAMessage as wrong:
            problem = wrong.problems[0]
            write = nearest((each for each in writes if each.patch is patch), problem.path)
            at: Path = ("spec",) if write is None else write.at_of(problem.path)
            where = f" (at {path_text(problem.path)})" if len(problem.path) > 1 else ""
            other = patch.model.spec.merge is not None and problem.code == ONEOF_SET_TWICE
            hint = "set the other to null" if other else problem.suggestion
            raise PatchFailed(problem.code, at, f"{problem.message}{where}", hint) from wrong

    def _overlaps(self, patch: AuthoredObject, writes: Sequence[Write]) -> list[Complaint]:
        """A warning where another patch wrote what this one writes."""
        own = [each for each in writes if each.patch is patch]
        for other in writes:
            each = next((each for each in own if overlapping(other, each)), None)
            if other.patch is not patch and each is not None:
                text = f"{other.patch.key} writes {path_text(each.path)} before this, which has the last word"
                return [Complaint(patch, each.at, PATCHES_OVERLAP, "", text, "keep it in one of the two", "warning")]
        return []


def _idle(patch: AuthoredObject) -> Complaint:
    spec: EnvoyPatchSpec = patch.model.spec
    text = f'nothing is generated that is a {spec.part} of {spec.target.kind} "{spec.target.name}"'
    return Complaint(patch, ("spec", "part"), PATCH_IDLE, "", text, "see the target's own status", "warning")


def _done(
    api: EnvoyApi, patch: AuthoredObject, json: dict[str, Any], path: Path, writes: Sequence[Write]
) -> tuple[dict[str, Any], list[Write]]:
    """A resource with one patch done to its part at `path`, and all `writes` with those of this one. `json` is changed.
    Raises PatchFailed."""
    spec: EnvoyPatchSpec = patch.model.spec
    part = _at(json, path)
    inside = [each.within(path) for each in writes if is_below(each.path, path)]
    done = Patching(patch, deepcopy(part), _shape(api, json, path), inside)
    if spec.merge is not None:
        fields = canonical(done.shape, spec.merge, part)
        done.root = merged(part, fields)
        done.writes += [Write(each, patch, ("spec", "merge", *each)) for each in leaves(fields)]
    else:
        done.run(spec.json or (), ("spec", "json"))
    _same_name(patch, part, done)
    outside = [each for each in writes if not is_below(each.path, path)]
    return _with(json, path, done.root), [*outside, *(each.under(path) for each in done.writes)]


def _same_name(patch: AuthoredObject, part: Any, done: Patching) -> None:
    key = NAMES.get(patch.model.spec.part)
    if key is not None and (not isinstance(done.root, dict) or done.root.get(key) != part.get(key)):
        write = nearest((each for each in done.writes if each.patch is patch), (key,))
        at: Path = write.at if write is not None else ("spec",)
        text = f"{key} is what others call it by, and stays as it is"
        raise PatchFailed(PATCH_RENAMES, at, text, "remove it")


def _shape(api: EnvoyApi, json: dict[str, Any], path: Path) -> Shape:
    """What stands at `path` of a resource."""
    here: Any = json
    shape = Shape(api).opened(here)
    for step in path:
        shape = shape.opened(here).below(step)
        here = here[step]
    return shape.opened(here)


def _at(json: Any, path: Path) -> Any:
    for step in path:
        json = json[step]
    return json


def _with(json: Any, path: Path, part: Any) -> Any:
    """`json`, changed, with `part` at `path`."""
    if not path:
        return part
    _at(json, path[:-1])[path[-1]] = part
    return json
