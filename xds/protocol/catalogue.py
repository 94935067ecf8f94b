"""One group's served state: what sessions read, and the only thing that publishing changes. No session is known here.

Every type has its immutable resources by name and a log of what changed when. `revision` is what people are told;
`position` counts every change in this process, and is what the log and the sessions' cursors go by.
"""

from __future__ import annotations

from collections.abc import Iterable

from xds.protocol.references import ReverseReferences
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.types import BY_URL, CLUSTER, ENDPOINT, GroupName, TypeUrl

Change = tuple[Resource | None, Resource | None]


class Catalogue:
    """The resources of one group as of `revision`; 0 before the first load, and then nothing may be served."""

    def __init__(self, group: GroupName) -> None:
        self.group = group
        self.revision = 0
        self.position = 0
        self.revised_at = 0  # the position at which `revision` came
        self.references = ReverseReferences()
        self._types: dict[TypeUrl, ServedType] = {}
        self._without_endpoints: set[str] = set()  # EDS names that got an empty assignment (rule 26)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(served.resources)} {url.rpartition('.')[2]}" for url, served in self._types.items())
        return f"<Catalogue {self.group!r} at revision {self.revision}: {counts or 'empty'}>"

    def served(self, type_url: TypeUrl) -> ServedType:
        """The state of a type; an empty one when the group has nothing of it."""
        found = self._types.get(type_url)
        if found is None:
            found = ServedType(type_url, self.group)
            if type_url in BY_URL:  # clients may make up any other, and nothing may grow by that
                self._types[type_url] = found
        return found

    def _changing(self, type_url: TypeUrl) -> ServedType:
        return self._types.setdefault(type_url, self.served(type_url))

    def load(self, revision: int, resources: Iterable[Resource]) -> None:
        """Take a whole state. The first is no change to anybody; a later one is compared with what is served.

        The same revision again is the same state: a snapshot never changes.
        """
        if revision == self.revision:
            return
        wanted = {(resource.type_url, resource.name): resource for resource in resources}
        if not self.revision:
            self._fill(wanted.values())
            self._stand_at(revision)
            return
        gone = [(old, None) for old in self._authored() if (old.type_url, old.name) not in wanted]
        self.advance(revision, [*gone, *((None, resource) for resource in wanted.values())])

    def advance(self, revision: int, changes: Iterable[Change]) -> None:
        """Move to `revision`. `changes`: (before, after) of every resource that differs; None is absence. O(changed).

        What is served counts, not what `before` claims, so a change that changes nothing costs nothing later.
        """
        if revision <= self.revision:
            raise ValueError(f"group {self.group!r} is at revision {self.revision} and cannot go to {revision}")
        position = self.position + 1
        touched: set[str] = set()
        for before, after in changes:
            named = after or before
            if named is not None:
                touched |= self._replace(position, named.type_url, named.name, after)
        for name in sorted(touched):
            self._keep_assignment(position, name)
        self._stand_at(revision)

    def is_referred_to(self, type_url: TypeUrl, name: str) -> bool:
        """Whether something served refers to `name`."""
        return self.references.is_referred_to(type_url, name)

    def _stand_at(self, revision: int) -> None:
        self.revision = revision
        self.position = self.revised_at = self.position + 1

    def _fill(self, resources: Iterable[Resource]) -> None:
        by_type: dict[TypeUrl, list[Resource]] = {}
        for resource in resources:
            by_type.setdefault(resource.type_url, []).append(resource)
            self.references.replace(None, resource)
        assigned = {resource.name for resource in by_type.get(ENDPOINT, ())}
        needed = {name for resource in by_type.get(CLUSTER, ()) for name in _endpoint_names(resource)}
        self._without_endpoints = needed - assigned
        by_type.setdefault(ENDPOINT, []).extend(empty_assignment(name) for name in self._without_endpoints)
        for type_url, found in by_type.items():
            self._changing(type_url).fill(found)

    def _authored(self) -> Iterable[Resource]:
        for served in self._types.values():
            for resource in served.resources.values():
                if served.type_url != ENDPOINT or resource.name not in self._without_endpoints:
                    yield resource

    def _replace(self, position: int, type_url: TypeUrl, name: str, after: Resource | None) -> set[str]:
        """Returns the EDS names whose need of an empty assignment may have changed."""
        served = self._changing(type_url)
        before = served.resources.get(name)
        touched = {name} if type_url == ENDPOINT else set()
        if type_url == ENDPOINT:
            self._without_endpoints.discard(name)
        if before == after:
            return touched
        self.references.replace(before, after)
        if type_url == CLUSTER:
            touched = _endpoint_names(before) | _endpoint_names(after)
        if before is None or after is None or before.version != after.version:
            served.replace(position, name, after)
        else:
            served.resources[name] = after  # same content, newer knowledge of its references
        return touched

    def _keep_assignment(self, position: int, name: str) -> None:
        """A cluster without endpoints is warmed with an empty assignment, or it waits for 15 s (rule 26)."""
        served = self.served(ENDPOINT)
        needed = self.references.is_referred_to(ENDPOINT, name, by_type=CLUSTER)
        if needed and name not in served.resources:
            self._without_endpoints.add(name)
            served.replace(position, name, empty_assignment(name))
        elif not needed and name in self._without_endpoints:
            self._without_endpoints.discard(name)
            served.replace(position, name, None)


def empty_assignment(name: str) -> Resource:
    """A ClusterLoadAssignment with nothing but its `cluster_name` (field 1, a string), encoded by hand."""
    encoded = name.encode()
    return Resource.of(ENDPOINT, name, b"\x0a" + _varint(len(encoded)) + encoded)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _endpoint_names(cluster: Resource | None) -> set[str]:
    references = cluster.references if cluster else ()
    return {reference.name for reference in references if reference.type_url == ENDPOINT}
