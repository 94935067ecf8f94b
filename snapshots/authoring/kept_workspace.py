"""One workspace as it was compiled last: what did not change since is not compiled again. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from api.envoy.registry import EnvoyApi
from snapshots.authoring.contents import AuthoredResource, Contents
from snapshots.authoring.envelope import ENVOY_RESOURCE
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.kept_files import KeptFiles
from snapshots.authoring.object_compilation import ObjectCompiler
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.ordered import Ordered
from snapshots.authoring.pieces import read_pieces
from snapshots.authoring.places import Places
from snapshots.checks.checks import Checked
from snapshots.difference import difference
from snapshots.model import CompiledResource, Origin, WorkspaceName

# Of a document: the objects around it, and what is made of it, measured with Gateway API objects of 300 bytes.
_FILE_BYTES, _TIMES_ITS_SIZE = 4096, 12


class KeptWorkspace:
    """Not for two threads at once. Belongs to one EnvoyApi: what a file holds depends on the types that are known."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
        self.files = KeptFiles(lambda document, before: read_pieces(api, document, before))
        self.places = Places(self.files.part)
        self._begin(WorkspaceName(""))

    def _begin(self, name: WorkspaceName) -> None:
        self._name = name
        self._resources: Ordered[CompiledResource] = Ordered()
        self._statuses: Ordered[ObjectStatus] = Ordered()
        self._before: tuple[CompiledResource, ...] = ()
        self.objects = ObjectCompiler(self._api, name, self._resources)
        self.checked = Checked(_order)

    @property
    def size_bytes(self) -> int:
        """About what it takes to keep this."""
        return self.files.count * _FILE_BYTES + self.files.size_bytes * _TIMES_ITS_SIZE

    @property
    def resources(self) -> tuple[CompiledResource, ...]:
        """By type and name."""
        return self._resources.all()

    @property
    def statuses(self) -> Sequence[ObjectStatus]:
        """Those of EnvoyResources, by place."""
        return self._statuses.all()

    def change(self, gone: Sequence[Contents], new: Sequence[Contents], name: WorkspaceName) -> None:
        """The workspace `name` is without some files and has others."""
        if name != self._name:
            self._begin(name)  # every place says whose it is
            gone, new = (), self.files.all()
        self._put_raw(gone, new)
        self.objects.change(*_differing(_objects(gone), _objects(new)))
        differing = difference(self._before, self.resources)
        self.checked.change(differing.gone, differing.new)
        self._before = self.resources

    def _put_raw(self, gone: Sequence[Contents], new: Sequence[Contents]) -> None:
        stays = {id(each) for one in new for each in one.resources}
        for each in (resource for one in gone for resource in one.resources):
            if id(each) not in stays:
                self._resources.put(_raw_order(each), None)
        for each in (resource for one in new for resource in one.resources):
            before = self._resources.get(_raw_order(each))
            if before is None or before.resource is not each.resource:
                self._resources.put(_raw_order(each), CompiledResource(each.resource, self._origin(each)))
        for one in gone:
            for status in one.statuses:
                self._statuses.put((one.path, status.subject.place), None)
        for one in new:
            for status in one.statuses:
                self._statuses.put((one.path, status.subject.place), status)

    def _origin(self, each: AuthoredResource) -> Origin:
        return Origin(self._name, each.path, each.place.line, each.place.column, each.kind, each.name)


def _raw_order(each: AuthoredResource) -> tuple[Any, ...]:
    return (each.resource.type_url, each.resource.name, 0, each.path, each.place)


def _order(origin: Origin) -> tuple[Any, ...]:
    """What somebody wrote for Envoy was there before what is made of other documents."""
    return (origin.kind != ENVOY_RESOURCE, origin.path, origin.line, origin.column)


def _objects(contents: Iterable[Contents]) -> tuple[AuthoredObject, ...]:
    return tuple(each for one in contents for each in one.objects)


def _differing(
    gone: tuple[AuthoredObject, ...], new: tuple[AuthoredObject, ...]
) -> Iterator[tuple[AuthoredObject, ...]]:
    found = difference(gone, new)
    return iter((found.gone, found.new))
