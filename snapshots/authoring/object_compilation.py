"""The Gateway API objects of one workspace -> its resources, what is wrong with them, and their statuses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.endpoints import left_to_the_api
from snapshots.authoring.gateway.translate import Translation, translate
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.patches.stage import PATCH_KIND, Patched, patched
from snapshots.checks.concern import Concern
from snapshots.codes import DOCUMENT_TWICE
from snapshots.model import CompiledResource, Origin, WorkspaceName


@dataclass(frozen=True, slots=True)
class CompiledObjects:
    """`concerns` are of the standard's making: they refuse a publish unless it is partial. `elsewhere`: the names of
    endpoint sets that documents leave to the endpoints API."""

    resources: tuple[CompiledResource, ...] = ()
    concerns: tuple[Concern, ...] = ()
    statuses: tuple[ObjectStatus, ...] = ()
    elsewhere: frozenset[str] = frozenset()


def compile_objects(api: EnvoyApi, objects: Sequence[AuthoredObject], workspace: WorkspaceName) -> CompiledObjects:
    """What `objects` come to, whatever their order."""
    if not objects:
        return CompiledObjects()
    origins = {id(each): _origin(each, workspace) for each in objects}
    translation = translate(api, objects)
    twice = _twice(objects, origins)
    changed = patches_of(api, objects, translation)
    told = (_concern(each, origins) for each in (*translation.complaints, *changed.complaints))
    return CompiledObjects(
        tuple(
            CompiledResource(changed.resources.get((made.type_url, made.name), made), origins[id(subject)])
            for subject, made in translation.resources
        ),
        (*twice, *told),
        (*translation.statuses, *changed.statuses),
        left_to_the_api(objects),
    )


def patches_of(api: EnvoyApi, objects: Sequence[AuthoredObject], translation: Translation) -> Patched:
    """What patches make of it. Of two of one name the first counts, as with all objects."""
    patches = {each.key: each for each in reversed(objects) if each.key.kind == PATCH_KIND}
    if not patches:
        return Patched()
    made = {(each.type_url, each.name): each for _, each in translation.resources}
    return patched(api, tuple(patches.values()), objects, translation.listeners, made)


def _origin(each: AuthoredObject, workspace: WorkspaceName) -> Origin:
    name = f"{each.namespace}/{each.name}" if each.namespace else each.name
    return Origin(workspace, each.path, each.place.line, each.place.column, each.key.kind, name)


def _twice(objects: Iterable[AuthoredObject], origins: dict[int, Origin]) -> tuple[Concern, ...]:
    first: dict[ObjectKey, AuthoredObject] = {}
    found = []
    for each in objects:
        before = first.setdefault(each.key, each)
        if before is not each:
            text = f"{each.key} is already in {before.path}:{before.place.line}"
            hint = "rename one of the two, or remove it"
            found.append(Concern(DOCUMENT_TWICE, text, origins[id(each)], hint, at=("metadata", "name")))
    return tuple(found)


def _concern(complaint: Complaint, origins: dict[int, Origin]) -> Concern:
    origin = origins[id(complaint.subject)]
    other = complaint.beside
    beside = (origins[id(other.subject)], other.path) if other is not None else None
    return Concern(
        complaint.code,
        complaint.message,
        origin,
        complaint.suggestion,
        complaint.severity,
        complaint.path,
        beside=beside,
    )
