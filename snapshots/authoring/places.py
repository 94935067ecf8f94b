"""Where in its file a concern of a check belongs. Trees are not kept: only the files of concerns are read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
    return Places(contents.__getitem__)


# A concern, and the contents of the files that it is about.
_Asked = tuple[Concern, bytes, bytes]


class Places:
    """The files of a workspace, read again when something in them must be pointed at.

    `content`: that of the file of a path. What was found of unchanged files is kept while it is asked for.
    """

    def __init__(self, content: Callable[[str], bytes]) -> None:
        self._content = content
        self._read: dict[str, tuple[Source, list[Node]]] = {}
        self._kept: dict[_Asked, Finding] = {}

    def findings(self, concerns: Iterable[Concern]) -> list[Finding]:
        """Each concern at the line and column of the value that it is about. Of concerns that are not among them
        nothing is kept."""
        asked = {self._asked(concern): concern for concern in concerns}
        self._kept = {each: self._kept.get(each) or self.finding(concern) for each, concern in asked.items()}
        self._read.clear()
        return list(self._kept.values())

    def _asked(self, concern: Concern) -> _Asked:
        beside = self._content(concern.beside[0].path) if concern.beside else b""
        return concern, self._content(concern.origin.path), beside

    def finding(self, concern: Concern) -> Finding:
        """`concern` at the line and column of the value that it is about. Not kept."""
        origin = concern.origin
        place, path = _place(concern, self._tree(origin.path)[1])
        title, field = f"{origin.kind} {origin.name}", path_text(path)
        message = concern.message + (f" ({self._beside(*concern.beside)})" if concern.beside else "")
        mistake = Mistake(concern.code, message, place, concern.suggestion, field, title, concern.severity)
        return self._tree(origin.path)[0].finding(mistake)

    def _beside(self, origin: Origin, at: Path) -> str:
        """`routes.yaml:14`: where another value stands."""
        root = _root(origin, self._tree(origin.path)[1])
        return f"{origin.path}:{place_of(root, at).line if root is not None else origin.line}"

    def finding_in(self, path: str, mistake: Mistake) -> Finding:
        """`mistake` in the file `path`, with the line itself."""
        source, _ = decoded(Document(path, self._content(path)))
        return source.finding(mistake)

    def _tree(self, path: str) -> tuple[Source, list[Node]]:
        if path not in self._read:
            source, _ = decoded(Document(path, self._content(path)))
            self._read[path] = (source, read_yaml(source.text).documents)
        return self._read[path]


def _place(concern: Concern, roots: Sequence[Node]) -> tuple[Place, Path]:
    root = _root(concern.origin, roots)
    if root is None:
        return Place(concern.origin.line, concern.origin.column), ()
    texts = concern.likely or (concern.mentions,)
    path = concern.at or next(filter(None, (_mentioned(root, text) for text in texts)), ())
    # A field that is not known is its key, whatever stands in it.
    return place_of(root, path, key=concern.code == UNKNOWN_FIELD), path


def _mentioned(root: Node, text: str) -> Path:
    """Where the document's spec has `text` for a value; empty: nowhere."""
    mentioned = (path for path in paths_to(root, text) if path[:1] == ("spec",))
    return max(mentioned, key=_likely_reference, default=())


def _root(origin: Origin, roots: Sequence[Node]) -> Node | None:
    """The document that begins where something was authored."""
    return next((root for root in roots if root.place == Place(origin.line, origin.column)), None)


def _likely_reference(path: Path) -> tuple[bool, int]:
    """Among all values that happen to be the same text, a reference is the deepest that is not somebody's own name."""
    return (path[-1] != "name", len(path))
