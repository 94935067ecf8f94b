"""One resource -> the line that each of its values comes from. Pure; nothing is worked out before it is asked for.

What Envoy says of a resource, naming a field, is led to a line in the same way: `place_of`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from api.envoy.problem import path_text
from api.envoy.registry import EnvoyApi
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.contents import read_contents
from snapshots.authoring.envelope import ENVOY_RESOURCE
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.object_compilation import ObjectCompiler
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.ordered import Ordered
from snapshots.authoring.patches.results import json_of
from snapshots.authoring.patches.writes import Write, writer_of
from snapshots.authoring.provenance.authored import AuthoredFiles
from snapshots.authoring.provenance.backend_frames import assignment_frames, cluster_frames, secret_frames
from snapshots.authoring.provenance.frames import Frame, Json, Known, scalars
from snapshots.authoring.provenance.listener_frames import listener_frames
from snapshots.authoring.provenance.route_frames import configuration_frames, scope_frames
from snapshots.authoring.provenance.tables import candidates
from snapshots.authoring.provenance.words import field_meant
from snapshots.authoring.yaml_nodes import Path, Place
from snapshots.model import CompiledResource, Document
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPED_ROUTE, SECRET, TypeUrl

# document: a line says so. patch: a line of an EnvoyPatch does. default: Fairlead does, where the object says nothing.
# object: nothing more exact is known than the object that it is made for.
How = Literal["document", "patch", "default", "object"]


@dataclass(frozen=True, slots=True)
class ValueOrigin:
    """Where one value comes from. `field` is the path in the document, as people write it; of a default, the nearest
    thing that is written."""

    how: How
    path: str
    line: int
    column: int
    object: str
    field: str

    def __str__(self) -> str:
        """`routes/shop.yaml:14`, or `default`."""
        place = f"{self.path}:{self.line}"
        return {"default": "default", "patch": f"{place} (patch)"}.get(self.how, place)


class Provenance:
    """The answers for one set of documents. To make one costs a compilation; each answer costs its resource."""

    def __init__(self, api: EnvoyApi, documents: Sequence[Document], compilation: Compilation | None = None) -> None:
        self._api = api
        self._files = AuthoredFiles(documents)
        compilation = compilation or compile_documents(api, documents)
        self._resources = {(each.resource.type_url, each.resource.name): each for each in compilation.resources}
        objects = [found for each in documents for found in read_contents(api, each).objects]
        self._objects = ObjectCompiler(api, compilation.workspace, Ordered())
        self._objects.change((), objects)
        self._known = Known(self._objects.world, self._objects.listeners, Messages(api))

    def origins(self, type_url: TypeUrl, name: str) -> dict[Path, ValueOrigin]:
        """For each value of a resource in Envoy's JSON form its origin; empty for a resource that there is not."""
        found = self._resources.get((type_url, name))
        if found is None:
            return {}
        json = json_of(self._api, found.resource)
        look = self._looking(found, json)
        return {path: look(path) for path in scalars(json)}

    def place_of(self, type_url: TypeUrl, name: str, path: Path = ()) -> ValueOrigin | None:
        """Where a field of a resource comes from, or what is nearest to it; None for a resource that there is not."""
        found = self._resources.get((type_url, name))
        if found is None:
            return None
        return self._looking(found, json_of(self._api, found.resource))(path)

    def cause(self, type_url: TypeUrl, name: str, words: str) -> ValueOrigin | None:
        """What Envoy means, in its own words about a resource; None where they name nothing that is in it."""
        found = self._resources.get((type_url, name))
        if found is None:
            return None
        json = json_of(self._api, found.resource)
        path = field_meant(json, words)
        return self._looking(found, json)(path) if path is not None else None

    def _looking(self, found: CompiledResource, json: Json) -> _Look:
        key = (found.resource.type_url, found.resource.name)
        frames: dict[Path, list[Frame]] = {}
        for each in () if found.origin.kind == ENVOY_RESOURCE else self._frames(key, json):
            frames.setdefault(each.prefix, []).append(each)
        return _Look(self._files, found, frames, self._objects.writes.get(key, ()))

    def _frames(self, key: tuple[TypeUrl, str], json: Json) -> Iterator[Frame]:
        subject, kind = self._objects.subject(key), key[0]
        if kind == LISTENER:
            yield from listener_frames(self._known, json)
        elif kind == ROUTE:
            yield from configuration_frames(self._api, self._known, json)
        elif kind == SCOPED_ROUTE:
            yield from scope_frames(self._known, json)
        elif subject is not None and kind == CLUSTER:
            yield from cluster_frames(self._known, subject, json)
        elif subject is not None and kind == ENDPOINT:
            yield from assignment_frames(self._known, subject, json)
        elif subject is not None and kind == SECRET:
            yield from secret_frames(subject, json)


@dataclass(frozen=True, slots=True)
class _Look:
    """What can be said of the values of one resource."""

    files: AuthoredFiles
    resource: CompiledResource
    frames: Mapping[Path, Sequence[Frame]]
    writes: Sequence[Write]

    def __call__(self, path: Path) -> ValueOrigin:
        write = writer_of(self.writes, path)
        if write is not None:
            return self._at("patch", write.patch, write.at_of(path))
        frames = self._frames_of(path)
        if path[-1:] == ("@type",) and frames:
            return self._default(frames[0])
        for frame in frames:
            asked = candidates(frame.table, path[len(frame.prefix) :], frame.base)
            if asked is not None:
                return self._first(frame, asked)
        return self._at("object", frames[0].subject, frames[0].base) if frames else self._whole(path)

    def _frames_of(self, path: Path) -> list[Frame]:
        """The most exact first; of two, the later."""
        prefixes = (path[:length] for length in range(len(path), -1, -1))
        return [each for prefix in prefixes for each in reversed(self.frames.get(prefix, ()))]

    def _first(self, frame: Frame, asked: Sequence[Path]) -> ValueOrigin:
        subject = frame.subject
        for each in asked:
            if self.files.has(subject.path, subject.place, each):
                return self._at("document", subject, each)
        return self._default(frame)

    def _default(self, frame: Frame) -> ValueOrigin:
        return self._at("default", frame.subject, frame.base)

    def _at(self, how: How, subject: AuthoredObject, at: Path) -> ValueOrigin:
        place = self.files.place(subject.path, subject.place, at)
        return ValueOrigin(how, subject.path, place.line, place.column, str(subject.key), path_text(at))

    def _whole(self, path: Path) -> ValueOrigin:
        """An EnvoyResource is what it says; of anything else no more is known than its object."""
        origin = self.resource.origin
        begins = Place(origin.line, origin.column)
        at: Path = ("spec", *path)
        if origin.kind == ENVOY_RESOURCE and self.files.has(origin.path, begins, at):
            place = self.files.place(origin.path, begins, at)
            return ValueOrigin("document", origin.path, place.line, place.column, self._title, path_text(at))
        return ValueOrigin("object", origin.path, origin.line, origin.column, self._title, "")

    @property
    def _title(self) -> str:
        return f"{self.resource.origin.kind} {self.resource.origin.name}"


def pointer(path: Path) -> str:
    """A path as a JSON Pointer.  RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def origins_document(origins: Mapping[Path, ValueOrigin]) -> dict[str, Any]:
    """For -o json: by JSON Pointer into the body."""
    return {
        pointer(path): {
            "how": each.how,
            "path": each.path,
            "line": each.line,
            "column": each.column,
            "object": each.object,
            "field": each.field,
        }
        for path, each in origins.items()
    }
