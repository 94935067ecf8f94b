"""Which authored objects differ between two states of a workspace, by what they are called. Pure.

Files do not count: an object that moves to another file, or is laid out anew, is the same. Only files that differ are
read. What cannot be read is left out; the compilation has said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.contents import decoded
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.objects import DEFAULT_NAMESPACE, ObjectKey
from snapshots.authoring.yaml_nodes import Mapping as MappingNode
from snapshots.authoring.yaml_nodes import Node, Place, Scalar, to_data
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import Document


@dataclass(frozen=True, slots=True)
class Written:
    """One object as it was written, and where it stands."""

    root: Node
    path: str

    @property
    def place(self) -> Place:
        return self.root.place

    @property
    def data(self) -> Mapping[str, Any]:
        """The whole document as plain data; made when it is asked for, as of most it never is."""
        found: Mapping[str, Any] = to_data(self.root)
        return found


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object before and after; `before` None is an addition, `after` None a removal."""

    key: ObjectKey
    before: Written | None
    after: Written | None


def object_changes(before: Iterable[Document], after: Iterable[Document]) -> tuple[ObjectChange, ...]:
    """All objects that are not the same, sorted by kind, namespace and name."""
    old = {document.path: document for document in before}
    new = {document.path: document for document in after}
    was = _written([each for path, each in old.items() if new.get(path) != each])
    now = _written([each for path, each in new.items() if old.get(path) != each])
    keys = sorted(was.keys() | now.keys())
    found = (ObjectChange(key, was.get(key), now.get(key)) for key in keys)
    return tuple(each for each in found if not (each.before and each.after and each.before.data == each.after.data))


def _written(documents: Sequence[Document]) -> dict[ObjectKey, Written]:
    """Of two of one name the first counts."""
    found: dict[ObjectKey, Written] = {}
    for document in sorted(documents, key=lambda each: each.path):
        source, refusal = decoded(document)
        for root in read_yaml(source.text).documents if refusal is None else ():
            key = _key(root)
            if key is not None:
                found.setdefault(key, Written(root, document.path))
    return found


def _key(root: Node) -> ObjectKey | None:
    kind, name = _text(root, "kind"), _text(root, "metadata", "name")
    if kind is None or name is None:
        return None
    namespaced = kind in BY_NAME and BY_NAME[kind].namespaced
    return ObjectKey(kind, (_text(root, "metadata", "namespace") or DEFAULT_NAMESPACE) if namespaced else "", name)


def _text(node: Node | None, *path: str) -> str | None:
    """The text at a path; None where there is none."""
    for step in path:
        entry = node.entries.get(step) if isinstance(node, MappingNode) else None
        node = entry.node if entry else None
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else None
