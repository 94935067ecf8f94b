"""Where in its file a concern of a check belongs. Trees are not kept: only the files of concerns are read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from api.envoy.problem import UNKNOWN_FIELD, path_text
from api.errors import Finding
from snapshots.authoring.contents import decoded
from snapshots.authoring.source import Mistake, Source
from snapshots.authoring.yaml_nodes import Node, Path, Place, paths_to, place_of
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.checks.concern import Concern
from snapshots.model import Document, Origin


def places_in(documents: Iterable[Document]) -> Places:
    """The places of a few files."""
    contents = {each.path: each.content for each in documents}
    return Places(lambda path, line: (contents[path], 0))


# A concern, and the parts of files that it is about.
_Asked = tuple[Concern, bytes, bytes]


class _Part(NamedTuple):
    """A part of a file that was read by itself, and how many lines are before it."""

    source: Source
    roots: Sequence[Node]
    begins: int

    def root(self, origin: Origin) -> Node | None:
        """The document that begins where something was authored."""
        place = Place(origin.line - self.begins, origin.column)
        return next((root for root in self.roots if root.place == place), None)


class Places:
    """The files of a workspace, read again when something in them must be pointed at.

    `part`: of the file of a path, the whole documents around a line, and how many lines are before them. What was found
    of unchanged parts is kept while it is asked for.
    """

    def __init__(self, part: Callable[[str, int], tuple[bytes, int]]) -> None:
        self._part = part
        self._read: dict[tuple[str, int], _Part] = {}
        self._kept: dict[_Asked, Finding] = {}

    def findings(self, concerns: Iterable[Concern]) -> list[Finding]:
        """Each concern at the line and column of the value that it is about. Of concerns that are not among them
        nothing is kept."""
        asked = {self._asked(concern): concern for concern in concerns}
        self._kept = {each: self._kept.get(each) or self.finding(concern) for each, concern in asked.items()}
        self._read.clear()
        return list(self._kept.values())

    def _asked(self, concern: Concern) -> _Asked:
        beside = self._content(concern.beside[0]) if concern.beside else b""
        return concern, self._content(concern.origin), beside

    def _content(self, origin: Origin) -> bytes:
        return self._part(origin.path, origin.line)[0]

    def finding(self, concern: Concern) -> Finding:
        """`concern` at the line and column of the value that it is about. Not kept."""
        origin = concern.origin
        part = self._around(origin)
        place, path = _place(concern, part)
        title, field = f"{origin.kind} {origin.name}", path_text(path)
        message = concern.message + (f" ({self._beside(*concern.beside)})" if concern.beside else "")
        mistake = Mistake(concern.code, message, place, concern.suggestion, field, title, concern.severity)
        found = part.source.finding(mistake)
        return replace(found, line=found.line + part.begins)

    def _beside(self, origin: Origin, at: Path) -> str:
        """`routes.yaml:14`: where another value stands."""
        part = self._around(origin)
        root = part.root(origin)
        return f"{origin.path}:{place_of(root, at).line + part.begins if root is not None else origin.line}"

    def finding_in(self, path: str, mistake: Mistake) -> Finding:
        """`mistake` in the file `path`, with the line itself."""
        content, begins = self._part(path, mistake.place.line)
        source, _ = decoded(Document(path, content))
        place = Place(mistake.place.line - begins, mistake.place.column)
        return replace(source.finding(replace(mistake, place=place)), line=mistake.place.line)

    def _around(self, origin: Origin) -> _Part:
        content, begins = self._part(origin.path, origin.line)
        if (origin.path, begins) not in self._read:
            source, _ = decoded(Document(origin.path, content))
            self._read[origin.path, begins] = _Part(source, read_yaml(source.text).documents, begins)
        return self._read[origin.path, begins]


def _place(concern: Concern, part: _Part) -> tuple[Place, Path]:
    """The place in a part, and the path there in the document."""
    root = part.root(concern.origin)
    if root is None:
        return Place(concern.origin.line - part.begins, concern.origin.column), ()
    texts = concern.likely or (concern.mentions,)
    path = concern.at or next(filter(None, (_mentioned(root, text) for text in texts)), ())
    # A field that is not known is its key, whatever stands in it.
    return place_of(root, path, key=concern.code == UNKNOWN_FIELD), path


def _mentioned(root: Node, text: str) -> Path:
    """Where the document's spec has `text` for a value; empty: nowhere."""
    mentioned = (path for path in paths_to(root, text) if path[:1] == ("spec",))
    return max(mentioned, key=_likely_reference, default=())


def _likely_reference(path: Path) -> tuple[bool, int]:
    """Among all values that happen to be the same text, a reference is the deepest that is not somebody's own name."""
    return (path[-1] != "name", len(path))
