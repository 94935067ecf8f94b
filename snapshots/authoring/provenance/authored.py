"""The documents of a compilation, read again: the place of every key and value in them. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snapshots.authoring.contents import decoded
from snapshots.authoring.yaml_nodes import Node, Path, Place, is_there, place_of
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import Document


@dataclass(slots=True)
class AuthoredFiles:
    """Each file is read when something in it is asked for, and once."""

    documents: Sequence[Document]
    _roots: dict[str, dict[Place, Node]] = field(default_factory=dict)

    def has(self, path: str, begins: Place, at: Path) -> bool:
        """Whether something is written at `at` of the document that begins at `begins` of a file."""
        root = self._root(path, begins)
        return root is not None and is_there(root, at)

    def place(self, path: str, begins: Place, at: Path) -> Place:
        """Where it is written, or what is nearest above it."""
        root = self._root(path, begins)
        return begins if root is None else place_of(root, at)

    def _root(self, path: str, begins: Place) -> Node | None:
        if path not in self._roots:
            document = next((each for each in self.documents if each.path == path), None)
            read = read_yaml(decoded(document)[0].text).documents if document is not None else []
            self._roots[path] = {each.place: each for each in read}
        return self._roots[path].get(begins)
