"""What the names of one subscription stand for now: a host's name for its virtual host. Names only, no versions."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from itertools import islice

TOLD_AGAIN = 100  # names of one resource


@dataclass(slots=True)
class Standing:
    """Kept name by name, so that one more name costs one look-up.

    `gained`, `released`: resources that got their first name, or lost their last one, since somebody cleared these.
    `seen`: the state of the index (`AliasIndex.changes`) that it was brought up to. `asked`: names to be answered now.
    """

    seen: int = 0
    gained: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    asked: Set[str] = frozenset()
    _targets: dict[str, frozenset[str]] = field(default_factory=dict)
    _names: dict[str, dict[str, None]] = field(default_factory=dict)  # the name asked for last comes last

    def __contains__(self, resource_name: str) -> bool:
        return resource_name in self._names

    def __len__(self) -> int:
        return len(self._names)

    @property
    def resource_names(self) -> set[str]:
        """All that some name stands for."""
        return set(self._names)

    def targets(self, name: str) -> frozenset[str]:
        """The resources that `name` stands for; `name` itself if it stands for no other."""
        return self._targets.get(name) or frozenset((name,))

    def names_of(self, resource_name: str) -> tuple[str, ...]:
        """The names to tell with a resource, sorted: those that were asked for, and the last of all that stand for it.

        Who rejected it may still wait under one of those. All of them each time would be a flood where hosts are many.
        """
        names = self._names.get(resource_name, {})
        return tuple(sorted({*islice(reversed(names), TOLD_AGAIN), *(names.keys() & self.asked)}))

    def ask(self, names: Set[str]) -> None:
        """These are to be answered now, and nothing else."""
        self.asked = names
        for name in names:
            for resource_name in self._targets.get(name, ()):
                known = self._names[resource_name]
                known[name] = known.pop(name)

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
            self._names[resource_name] = {}
            self.gained.add(resource_name)
        self._names[resource_name][name] = None

    def _release(self, name: str, resource_name: str) -> None:
        names = self._names[resource_name]
        names.pop(name)
        if not names:
            del self._names[resource_name]
            self.released.add(resource_name)
