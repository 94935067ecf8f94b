"""One group's served state: what sessions read, and the only thing that publishing changes. No session is known here.

Every type has its immutable resources by name and a log of what changed when. `revision` is what people are told;
`position` counts every change in this process, and is what the log and the sessions' cursors go by. Endpoint sets move
the position alone.

A *partial* catalogue mirrors an upstream: what that has not answered yet is awaited (`knowledge`), one revision comes
in several steps, and it may be put back to an older state. Endpoints are what upstream says, and never made up here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from xds.protocol.assignments import Assignments
from xds.protocol.knowledge import Knowledge, Learned, Upstream
from xds.protocol.references import ReverseReferences
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.types import BY_URL, CLUSTER, ENDPOINT, GroupName, TypeUrl

Change = tuple[Resource | None, Resource | None]


class Catalogue:
    """The resources of one group as of `revision`; 0 before the first load, and then nothing may be served."""

    def __init__(self, group: GroupName, *, partial: bool = False) -> None:
        self.group = group
        self.revision = 0
        self.position = 0
        self.revised_at = 0  # the position at which `revision` came
        self.renewals = 0  # how often upstream has said that something goes on, which is no change
        self.complete = 0  # of a partial one: all of this revision is here, and of `revision` a part; 0: all of that
        self.is_old = False  # its upstream is away, so that others may know better; told to those who take revisions
        self.references = ReverseReferences()
        self._types: dict[TypeUrl, ServedType] = {}
        self._assignments = Assignments()
        self.is_partial = partial
        self._upstream = Upstream() if partial else None

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(served.resources)} {url.rpartition('.')[2]}" for url, served in self._types.items())
        return f"<Catalogue {self.group!r} at revision {self.revision}: {counts or 'empty'}>"

    @property
    def is_blank(self) -> bool:
        """Whether nobody ever said anything of this group."""
        return not self.revision and not self._assignments.has_sets

    def served(self, type_url: TypeUrl) -> ServedType:
        """The state of a type; an empty one when the group has nothing of it."""
        found = self._types.get(type_url)
        if found is None:
            found = ServedType(type_url, self.group, Knowledge(self._upstream) if self._upstream else None)
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
        self.advance(revision, self._towards(wanted))

    def advance(self, revision: int, changes: Iterable[Change]) -> None:
        """Move to `revision`. `changes`: (before, after) of every resource that differs; None is absence. O(changed).

        What is served counts, not what `before` claims, so a change that changes nothing costs nothing later.
        """
        if revision <= self.revision:
            raise ValueError(f"group {self.group!r} is at revision {self.revision} and cannot go to {revision}")
        self._apply(changes)
        self._stand_at(revision)

    def change(self, revision: int, changes: Iterable[Change], learned: Iterable[Learned] = ()) -> bool:
        """Of a partial catalogue: what upstream said, at whatever revision. Returns whether that was news.

        The position moves with every change and all news; with endpoints alone it moves as `set_endpoints` moves it.
        """
        before = self.position
        others, apart = self._apply(changes) if self.revision else (False, False)
        if not self.revision:
            self._fill(after for _, after in changes if after is not None)
        news = [self._knowledge(one.type_url).learn(one) for one in learned]
        if others or True in news or revision != self.revision:
            self._stand_at(revision)
        elif apart:
            self.position += 1
        return self.position != before

    def replace(self, revision: int, resources: Iterable[Resource]) -> bool:
        """Of a partial catalogue: this is the whole content, newer or older. What is known of the rest stays known."""
        return self.change(revision, self._towards({(one.type_url, one.name): one for one in resources}))

    def renew(self, type_url: TypeUrl, names: Collection[str]) -> None:
        """Of a partial catalogue: upstream says that these, which live for a time only, go on. It is no change."""
        if names:
            self._knowledge(type_url).renew(names, self.served(type_url).resources)
            self.renewals += 1

    @property
    def is_given_up(self) -> bool:
        """Whether a partial catalogue passes for all there is."""
        return self._upstream is not None and self._upstream.is_given_up

    def give_up(self, is_given_up: bool = True) -> None:
        """Of a partial catalogue: upstream is away, so nothing is awaited, and what is not here does not exist.

        False: it is back, and what it has not answered is awaited again.
        """
        if self._upstream is None:
            raise ValueError(f"the catalogue of group {self.group!r} has no upstream: it knows everything")
        if self._upstream.is_given_up != is_given_up:
            self._upstream.is_given_up = is_given_up
            self._stand_at(self.revision)

    def set_endpoints(self, sets: Iterable[tuple[str, Resource | None]]) -> tuple[str, ...]:
        """Endpoint sets by EDS name that stand from now on, or were cleared (None). O(sets), and no new revision.

        Returns the names under which something else is served than before, sorted. They may come before the first load.
        """
        touched: set[str] = set()
        for name, resource in sets:
            self._assignments.set(name, resource)
            touched.add(name)
        if not self.revision:
            return ()
        changed = self._keep_assignments(self.position + 1, touched)
        self.position += bool(changed)
        return changed

    def is_referred_to(self, type_url: TypeUrl, name: str) -> bool:
        """Whether something served refers to `name`."""
        return self.references.is_referred_to(type_url, name)

    def _knowledge(self, type_url: TypeUrl) -> Knowledge:
        knowledge = self._changing(type_url).knowledge
        if knowledge is None:
            raise ValueError(f"the catalogue of group {self.group!r} has no upstream to learn from")
        return knowledge

    def _towards(self, wanted: Mapping[tuple[TypeUrl, str], Resource]) -> list[Change]:
        gone = [(old, None) for old in self._authored() if (old.type_url, old.name) not in wanted]
        return [*gone, *((None, resource) for resource in wanted.values())]

    def _apply(self, changes: Iterable[Change]) -> tuple[bool, bool]:
        """Returns whether anything but endpoints is other than it was, and whether endpoints are."""
        position = self.position + 1
        touched: set[str] = set()
        for before, after in changes:
            named = after or before
            if named is not None:
                touched |= self._change(position, named.type_url, named.name, after)
        others = any(served.log.newest == position for served in self._types.values())
        return others, bool(self._keep_assignments(position, touched))

    def _stand_at(self, revision: int) -> None:
        self.revision = revision
        self.position = self.revised_at = self.position + 1

    def _fill(self, resources: Iterable[Resource]) -> None:
        by_type: dict[TypeUrl, list[Resource]] = {}
        touched: set[str] = set()
        for resource in resources:
            if resource.type_url == ENDPOINT:
                self._assignments.configure(resource.name, resource)
                touched.add(resource.name)
                continue
            by_type.setdefault(resource.type_url, []).append(resource)
            self.references.replace(None, resource)
            touched |= _endpoint_names(resource) if resource.type_url == CLUSTER else set()
        by_type[ENDPOINT] = [counting for name in touched if (counting := self._counting(name))]
        for type_url, filling in by_type.items():
            self._changing(type_url).fill(filling)

    def _authored(self) -> Iterable[Resource]:
        for served in self._types.values():
            if served.type_url != ENDPOINT:
                yield from served.resources.values()
        yield from self._assignments.configured

    def _change(self, position: int, type_url: TypeUrl, name: str, after: Resource | None) -> set[str]:
        """Returns the EDS names under which something else may be served now."""
        if type_url == ENDPOINT:
            self._assignments.configure(name, after)
            return {name}
        before = self.served(type_url).resources.get(name)
        if before == after:
            return set()
        self._serve(position, type_url, name, after)
        return _endpoint_names(before) | _endpoint_names(after) if type_url == CLUSTER else set()

    def _serve(self, position: int, type_url: TypeUrl, name: str, after: Resource | None) -> bool:
        """Returns whether the content is other than it was."""
        served = self._changing(type_url)
        before = served.resources.get(name)
        self.references.replace(before, after)
        if before is not None and after is not None and _same_to_clients(before, after):
            served.relate(after)
            return False
        served.replace(position, name, after)
        return True

    def _keep_assignments(self, position: int, touched: Iterable[str]) -> tuple[str, ...]:
        """Serve what counts under each of these EDS names. Returns those where that is something else, sorted."""
        resources = self.served(ENDPOINT).resources
        changed = []
        for name in sorted(touched):
            after = self._counting(name)
            if resources.get(name) != after and self._serve(position, ENDPOINT, name, after):
                changed.append(name)
        return tuple(changed)

    def _counting(self, name: str) -> Resource | None:
        referred = self._upstream is None and self.references.is_referred_to(ENDPOINT, name, by_type=CLUSTER)
        return self._assignments.counting(name, is_referred_to=referred)


def _same_to_clients(before: Resource, after: Resource) -> bool:
    return (before.version, before.on_demand) == (after.version, after.on_demand)


def _endpoint_names(cluster: Resource | None) -> set[str]:
    references = cluster.references if cluster else ()
    return {reference.name for reference in references if reference.type_url == ENDPOINT}
