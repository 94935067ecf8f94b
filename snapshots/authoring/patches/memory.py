"""What patches came to last time, so that those whose resources are the same are not done again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

_Result = TypeVar("_Result")


@dataclass(slots=True)
class PatchMemory:
    """Keeps what the last run asked for, and nothing older. One belongs to one workspace; not for two threads at once.

    A key says everything that its result depends on; an object that it names by `id` is kept with it.
    """

    _last: dict[Hashable, tuple[Any, object]] = field(default_factory=dict)
    _now: dict[Hashable, tuple[Any, object]] = field(default_factory=dict)

    def of(self, key: Hashable, make: Callable[[], _Result], named: object = None) -> _Result:
        """The result for `key`: that of the last run, or else what `make` makes."""
        found = self._now.get(key) or self._last.get(key) or (make(), named)
        self._now[key] = found
        result: _Result = found[0]
        return result

    def end_of_run(self) -> None:
        """What was not asked for since the end of the last run is forgotten."""
        self._last, self._now = self._now, {}
