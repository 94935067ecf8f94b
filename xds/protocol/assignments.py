"""Whose word counts for the endpoints of a cluster. Serialised assignments by name; nothing is served here.

By rank: the endpoint set of that name, while a served cluster refers to it; what the configuration says; and while a
cluster refers to a name of which nobody says anything, an empty assignment: without one it warms for 15 s (rule 26).
"""

from __future__ import annotations

from collections.abc import Iterable

from xds.protocol.resource import Resource
from xds.protocol.types import ENDPOINT
from xds.protocol.wire import field


class Assignments:
    """What is known of one group's endpoints by EDS name, whether or not it counts now."""

    def __init__(self) -> None:
        self._configured: dict[str, Resource] = {}
        self._sets: dict[str, Resource] = {}

    @property
    def configured(self) -> Iterable[Resource]:
        """What the configuration says, also of names that an endpoint set stands for."""
        return self._configured.values()

    @property
    def has_sets(self) -> bool:
        return bool(self._sets)

    def configure(self, name: str, resource: Resource | None) -> None:
        """The configuration says this of `name` from now on; None: nothing."""
        _put(self._configured, name, resource)

    def set(self, name: str, resource: Resource | None) -> None:
        """This endpoint set stands for `name` from now on; None: it was cleared."""
        _put(self._sets, name, resource)

    def counting(self, name: str, *, is_referred_to: bool) -> Resource | None:
        """What is to be served under `name`. `is_referred_to`: by a served cluster."""
        if not is_referred_to:
            return self._configured.get(name)
        return self._sets.get(name) or self._configured.get(name) or empty_assignment(name)


def _put(resources: dict[str, Resource], name: str, resource: Resource | None) -> None:
    if resource is None:
        resources.pop(name, None)
    else:
        resources[name] = resource


def empty_assignment(name: str) -> Resource:
    """A ClusterLoadAssignment with nothing but its `cluster_name` (field 1, a string), encoded by hand."""
    return Resource.of(ENDPOINT, name, field(b"\x0a", name.encode()))
