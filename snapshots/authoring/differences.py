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
from snapshots.authoring.yaml_nodes import Node, Place, to_data
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import Document


@dataclass(frozen=True, slots=True)
class Written:
    """One object as it was written: the whole document as plain data, and where it stands."""

    data: Mapping[str, Any]
    path: str
    place: Place


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
    return tuple(each for each in found if _data(each.before) != _data(each.after))


def _data(written: Written | None) -> Mapping[str, Any] | None:
    return written.data if written else None


def _written(documents: Sequence[Document]) -> dict[ObjectKey, Written]:
    """Of two of one name the first counts."""
    found: dict[ObjectKey, Written] = {}
    for document in sorted(documents, key=lambda each: each.path):
        source, refusal = decoded(document)
        for root in read_yaml(source.text).documents if refusal is None else ():
            key = _key(root)
            if key is not None:
                found.setdefault(key, Written(to_data(root), document.path, root.place))
    return found


def _key(root: Node) -> ObjectKey | None:
    data = to_data(root) if isinstance(root, MappingNode) else None
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(metadata, dict):
        return None
    kind, name = data.get("kind"), metadata.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    namespaced = kind in BY_NAME and BY_NAME[kind].namespaced
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE if namespaced else ""
    return ObjectKey(kind, str(namespace), name)
