"""What the names of one subscription stand for now: a host's name for its virtual host. Names only, no versions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Standing:
    """Kept name by name, so that one more name costs one look-up.

    `gained`, `released`: resources that got their first name, or lost their last one, since somebody cleared these.
    `seen`: the state of the index (`AliasIndex.changes`) that it was brought up to.
    """

    seen: int = 0
    gained: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    _targets: dict[str, frozenset[str]] = field(default_factory=dict)
    _names: dict[str, set[str]] = field(default_factory=dict)

    def __contains__(self, resource_name: str) -> bool:
        return resource_name in self._names

    def __bool__(self) -> bool:
        return bool(self._names)

    @property
    def resource_names(self) -> set[str]:
        """All that some name stands for."""
        return set(self._names)

    def targets(self, name: str) -> frozenset[str]:
        """The resources that `name` stands for; `name` itself if it stands for no other."""
        return self._targets.get(name) or frozenset((name,))

    def names_of(self, resource_name: str) -> tuple[str, ...]:
        """The names that stand for a resource, sorted."""
        return tuple(sorted(self._names.get(resource_name, ())))

    def put(self, name: str, resource_names: frozenset[str]) -> None:
        """`name` stands for these resources from now on; none: for no other than itself."""
        before = self._targets.pop(name, frozenset())
        if resource_names:
            self._targets[name] = resource_names
        for released in before - resource_names:
            self._release(name, released)
        for gained in resource_names - before:
            self._gain(name, gained)

    def _gain(self, name: str, resource_name: str) -> None:
        if resource_name not in self._names:
            self._names[resource_name] = set()
            self.gained.add(resource_name)
        self._names[resource_name].add(name)

    def _release(self, name: str, resource_name: str) -> None:
        names = self._names[resource_name]
        names.discard(name)
        if not names:
            del self._names[resource_name]
            self.released.add(resource_name)
