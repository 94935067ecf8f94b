"""One operation of a JSON patch after the other, on a value that may be changed. Pure otherwise.  RFC 6902."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from api.envoy.problem import path_text
from snapshots.authoring.kinds.patch import PatchOperation
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.patches.pointers import PathMissing, Slot, slot_at
from snapshots.authoring.patches.shapes import Shape, canonical
from snapshots.authoring.patches.writes import Write, inserted, removed
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import PATCH_PATH_MISSING, PATCH_TEST_FAILED


class PatchFailed(Exception):
    """A patch that cannot be done: the code, what is wrong, and where in the patch's document."""

    def __init__(self, code: str, at: Path, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.at = at
        self.message = message
        self.suggestion = suggestion


@dataclass(slots=True)
class Patching:
    """One JSON patch while it is done to `root`, which is changed; `writes` are those so far, of others too."""

    patch: AuthoredObject
    root: Any
    shape: Shape
    writes: list[Write] = field(default_factory=list)

    def run(self, operations: Sequence[PatchOperation], at: Path) -> None:
        """All of them, in their order. Raises PatchFailed at the first that cannot be done."""
        for index, operation in enumerate(operations):
            where = (*at, index)
            try:
                _OPERATIONS[operation.op](self, operation, where)
            except PathMissing as missing:
                pointer = "from" if operation.from_ is not None and missing.args[-1] == "from" else "path"
                raise PatchFailed(
                    PATCH_PATH_MISSING, (*where, pointer), missing.message, missing.suggestion
                ) from missing

    def add(self, operation: PatchOperation, at: Path) -> None:
        slot = self._slot(operation.path)
        self._put(slot, canonical(slot.shape, operation.value), Write(slot.path, self.patch, (*at, "value")))

    def replace(self, operation: PatchOperation, at: Path) -> None:
        slot = self._slot(operation.path)
        slot.value()
        slot.holder[slot.key] = canonical(slot.shape, operation.value)
        self.writes.append(Write(slot.path, self.patch, (*at, "value")))

    def remove(self, operation: PatchOperation, at: Path) -> None:
        slot = self._slot(operation.path)
        self._take(slot)
        if isinstance(slot.holder, dict):
            self.writes.append(Write(slot.path, self.patch, (*at, "path"), opaque=True))

    def move(self, operation: PatchOperation, at: Path) -> None:
        source = self._source(operation)
        value = self._take(source)
        slot = self._slot(operation.path)
        self._put(slot, value, Write(slot.path, self.patch, (*at, "from"), opaque=True))

    def copy(self, operation: PatchOperation, at: Path) -> None:
        value = deepcopy(self._source(operation).value())
        slot = self._slot(operation.path)
        self._put(slot, value, Write(slot.path, self.patch, (*at, "from"), opaque=True))

    def test(self, operation: PatchOperation, at: Path) -> None:
        slot = self._slot(operation.path) if operation.path else None
        shape = slot.shape if slot else self.shape
        found = slot.value() if slot else self.root
        if not _equal(found, canonical(shape, operation.value, found)):
            where = path_text(slot.path) if slot else "the part"
            raise PatchFailed(PATCH_TEST_FAILED, (*at, "value"), f"{where} is not what the patch says it is")

    def _slot(self, pointer: str) -> Slot:
        return slot_at(self.root, self.shape, pointer)

    def _source(self, operation: PatchOperation) -> Slot:
        try:
            slot = self._slot(operation.from_ or "/")
            slot.value()
        except PathMissing as missing:
            missing.args, missing.suggestion = (*missing.args, "from"), ""
            raise
        return slot

    def _put(self, slot: Slot, value: Any, write: Write) -> None:
        if isinstance(slot.holder, list):
            index = int(slot.key)
            slot.holder.insert(index, value)
            self.writes = inserted(self.writes, slot.path[:-1], index)
        else:
            slot.holder[slot.key] = value
        self.writes.append(write)

    def _take(self, slot: Slot) -> Any:
        value = slot.value()
        del slot.holder[slot.key]
        if isinstance(slot.holder, list):
            self.writes = removed(self.writes, slot.path[:-1], int(slot.key))
        return value


_OPERATIONS: Mapping[str, Callable[[Patching, PatchOperation, Path], None]] = {
    "add": Patching.add,
    "remove": Patching.remove,
    "replace": Patching.replace,
    "move": Patching.move,
    "copy": Patching.copy,
    "test": Patching.test,
}


def _equal(one: Any, other: Any) -> bool:
    """As JSON compares: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
