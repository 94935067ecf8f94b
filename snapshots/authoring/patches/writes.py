"""What patches wrote: the path in the result, and the place in the patch that says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path


@dataclass(frozen=True, slots=True)
class Write:
    """`path` leads to a value of the patched message, `at` to what wrote it, from the root of the patch's document.

    `opaque`: `at` is not the value's own place, so that nothing below it can be pointed at (`copy`, `remove`).
    """

    path: Path
    patch: AuthoredObject
    at: Path
    opaque: bool = False

    def under(self, prefix: Path) -> Write:
        """The same, seen from above."""
        return replace(self, path=(*prefix, *self.path))

    def within(self, prefix: Path) -> Write:
        """The same, seen from the part at `prefix`, in which it is."""
        return replace(self, path=self.path[len(prefix) :])

    def at_of(self, path: Path) -> Path:
        """The place of what stands at `path`, as near as the patch says it: below this, above it or beside it."""
        if is_below(path, self.path):
            return self.at if self.opaque else (*self.at, *path[len(self.path) :])
        above = len(self.path) - len(path)
        if is_below(self.path, path) and self.at[-above:] == self.path[-above:]:
            return self.at[:-above]
        return self.at


def is_below(path: Path, above: Path) -> bool:
    """Whether `path` leads to what is at `above`, or into it."""
    return path[: len(above)] == above


def writer_of(writes: Iterable[Write], path: Path) -> Write | None:
    """The last write that covers `path`."""
    found = None
    for each in writes:
        if is_below(path, each.path):
            found = each
    return found


def nearest(writes: Iterable[Write], path: Path) -> Write | None:
    """The last write that covers `path`, or else something below it, or else beside it, as near as there is one."""
    every = tuple(writes)
    return writer_of(every, path) or max(every, key=lambda each: _common(each.path, path), default=None)


def overlapping(one: Write, other: Write) -> bool:
    """Whether both wrote the same value, or one wrote into what the other did."""
    return is_below(one.path, other.path) or is_below(other.path, one.path)


def inserted(writes: Iterable[Write], listing: Path, index: int) -> list[Write]:
    """The same writes after an item was put into a list: those behind it have moved on."""
    return [_moved(each, listing, index, 1) for each in writes]


def removed(writes: Iterable[Write], listing: Path, index: int) -> list[Write]:
    """The same writes after an item was taken out of a list. What was written into it is gone."""
    kept = (each for each in writes if not is_below(each.path, (*listing, index)))
    return [_moved(each, listing, index, -1) for each in kept]


def _moved(write: Write, listing: Path, index: int, by: int) -> Write:
    length = len(listing)
    if len(write.path) <= length or write.path[:length] != listing:
        return write
    step = write.path[length]
    if not isinstance(step, int) or step < index:
        return write
    return replace(write, path=(*listing, step + by, *write.path[length + 1 :]))


def _common(one: Path, other: Path) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
