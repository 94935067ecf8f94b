"""A strict YAML 1.2 reader: text -> trees in which every key and value knows its place. No I/O here.

Built from libyaml's event stream in one loop, never through its composer: an alias cannot expand, and nesting costs
no stack. Refused, each with its place: anchors, aliases, tags, merge keys, duplicate keys, keys that are not text,
directives other than `%YAML 1.2`, and what exceeds `limits`. After a syntax error reading goes on at the next `---`, so
that one broken document does not hide the mistakes of the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from snapshots.authoring.limits import (
    DEPTH_LIMIT,
    DOCUMENT_LIMIT_CHARACTERS,
    DOCUMENTS_PER_FILE_LIMIT,
    MISTAKES_PER_FILE_LIMIT,
    NODES_LIMIT,
)
from snapshots.authoring.source import LINE_BREAK, Mistake
from snapshots.authoring.yaml_nodes import Entry, Listing, Mapping, Node, Place, Scalar
from snapshots.authoring.yaml_scalars import plain_value
from snapshots.authoring.yaml_syntax import TEXT_AFTER_DOCUMENT, syntax_mistake
from snapshots.codes import (
    ANCHOR,
    DIRECTIVE,
    DOCUMENT_TOO_LARGE,
    DUPLICATE_KEY,
    KEY_NOT_TEXT,
    MERGE_KEY,
    TAG,
    TOO_DEEP,
    TOO_MANY_DOCUMENTS,
    TOO_MANY_NODES,
)

START = Place(1, 1)
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(slots=True)
class YamlFile:
    """What a file holds: the roots of its sound, non-empty documents, and all mistakes in the order of the file."""

    documents: list[Node] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    begun: int = 0
    last_place: Place = START  # where the document that was read last begins


def read_yaml(text: str) -> YamlFile:
    """All documents of `text`. Never raises for what is in it."""
    file = YamlFile()
    start = 0
    while True:
        stopped_at = _read_from(text, start, file)
        if stopped_at is None or _gave_up(file):
            return file
        following = _NEXT_DOCUMENT.search(text, max(stopped_at, start + 1))
        if following is None:
            return file
        start = following.start()


def _read_from(text: str, start: int, file: YamlFile) -> int | None:
    """Read documents from the index `start` on. The index where reading stopped early; None at the end of the text."""
    rest = text[start:] if start else text
    lines_before = len(LINE_BREAK.findall(text, 0, start)) if start else 0
    reader = _Reader(file, lines_before)
    try:
        for event in yaml.parse(rest, Loader=yaml.CSafeLoader):
            reader.take(event)
            if reader.stopped:
                return start + _index(event)
    except yaml.YAMLError as error:
        file.mistakes.append(syntax_mistake(error, rest, lines_before + 1))
        if getattr(error, "problem", "") == TEXT_AFTER_DOCUMENT and file.documents:
            file.documents.pop()  # what it says depends on the text that does not belong to it
        mark = getattr(error, "problem_mark", None)
        return start + (mark.index if mark else 0)
    return None


def _index(event: Any) -> int:
    return int(event.start_mark.index)


def _gave_up(file: YamlFile) -> bool:
    """Whether the rest of the file is left unread, which then is its last mistake."""
    if file.begun > DOCUMENTS_PER_FILE_LIMIT:
        message = f"more than {DOCUMENTS_PER_FILE_LIMIT:,} documents in one file; the rest was not read"
    elif len(file.mistakes) >= MISTAKES_PER_FILE_LIMIT:
        message = f"{MISTAKES_PER_FILE_LIMIT} mistakes in one file; the rest was not read"
    else:
        return False
    file.mistakes.append(Mistake(TOO_MANY_DOCUMENTS, message, file.last_place))
    return True


@dataclass(slots=True)
class _Open:
    """A mapping or list that has begun and not ended. `key` is the key whose value comes next."""

    node: Mapping | Listing
    wants_key: bool
    key: str | None = None
    key_place: Place = START


class _Reader:
    """Builds one tree at a time from events."""

    def __init__(self, file: YamlFile, lines_before: int) -> None:
        self._file = file
        self._line_offset = lines_before + 1
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._nodes = 0
        self._mistakes_before = 0
        self._begins_at = 0
        self.stopped = False

    # Events are `Any` where their marks are used: declared optional, the C parser sets them always.
    def take(self, event: yaml.Event) -> None:
        # The most frequent first: this is the loop that everything authored goes through.
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._begin_document(event)
        elif isinstance(event, yaml.DocumentEndEvent):
            self._end_document(event)

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(mark.line + self._line_offset, mark.column + 1)

    def _wrong(self, code: str, message: str, place: Place, suggestion: str = "") -> None:
        self._file.mistakes.append(Mistake(code, message, place, suggestion))
        if len(self._file.mistakes) >= MISTAKES_PER_FILE_LIMIT:
            self.stopped = True

    def _begin_document(self, event: Any) -> None:
        self._root, self._nodes = None, 0
        self._file.begun += 1
        self._file.last_place = self._place(event)
        if self._file.begun > DOCUMENTS_PER_FILE_LIMIT:
            self.stopped = True
        self._mistakes_before = len(self._file.mistakes)
        self._begins_at = event.start_mark.index
        if (event.version and tuple(event.version) != (1, 2)) or event.tags:
            self._wrong(DIRECTIVE, "a directive: documents are YAML 1.2", self._place(event), "remove the % lines")

    def _end_document(self, event: Any) -> None:
        root, size = self._root, event.end_mark.index - self._begins_at
        if size > DOCUMENT_LIMIT_CHARACTERS and root is not None:
            text = f"more than {DOCUMENT_LIMIT_CHARACTERS:,} characters in one document"
            self._wrong(DOCUMENT_TOO_LARGE, text, root.place, "split it")
        is_empty = root is None or (isinstance(root, Scalar) and root.value is None)
        if root is None or is_empty or len(self._file.mistakes) > self._mistakes_before:
            return
        self._file.documents.append(root)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self._place(event)
        if event.anchor is not None or event.tag is not None:
            self._decorated(event, place)
        top = self._open[-1] if self._open else None
        if top is not None and top.wants_key:
            self._key(event, top, place)
            return
        # Quoted and block scalars are text; only a plain one has a meaning of its own.
        self._attach(Scalar(plain_value(event.value) if event.implicit[0] else event.value, place))

    def _key(self, event: yaml.ScalarEvent, top: _Open, place: Place) -> None:
        key: str | None = event.value
        if event.implicit[0] and key == "<<":
            self._wrong(MERGE_KEY, "merge keys are not part of YAML 1.2", place, "write the fields out")
            key = None
        elif event.implicit[0] and not isinstance(plain_value(event.value), str):
            shown = event.value or "an empty key"
            self._wrong(KEY_NOT_TEXT, f"a key must be text, this is {shown}", place, f'quote it: "{event.value}"')
            key = None
        elif isinstance(top.node, Mapping) and key in top.node.entries:
            first = top.node.entries[str(key)].key_place
            message = f'the key "{key}" is already on line {first.line} of this mapping'
            self._wrong(DUPLICATE_KEY, message, place, "remove one of the two")
            key = None
        top.key, top.key_place, top.wants_key = key, place, False

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        place = self._place(event)
        if event.anchor is not None or event.tag is not None:
            self._decorated(event, place)
        top = self._open[-1] if self._open else None
        if top is not None and top.wants_key:
            self._wrong(
                KEY_NOT_TEXT, "a key must be text, this is a mapping or a list", place, "quote it if it is text"
            )
            self.stopped = True  # what is inside would only be reported again
            return
        if len(self._open) >= DEPTH_LIMIT:
            self._wrong(TOO_DEEP, f"nested deeper than {DEPTH_LIMIT} levels", place)
            self.stopped = True
            return
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open(Mapping({}, place) if is_mapping else Listing([], place), wants_key=is_mapping))

    def _end(self) -> None:
        self._attach(self._open.pop().node)

    def _attach(self, node: Node) -> None:
        """Put a finished value where it belongs."""
        self._nodes += 1
        if self._nodes > NODES_LIMIT:
            self._wrong(TOO_MANY_NODES, f"more than {NODES_LIMIT:,} values in one document", node.place, "split it")
            self.stopped = True
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.node, Listing):
            top.node.nodes.append(node)
        else:
            if top.key is not None:
                top.node.entries[top.key] = Entry(top.key_place, node)
            top.wants_key = True

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._place(event)
        self._wrong(ANCHOR, f'"*{event.anchor}" is an alias', place, "write the value out, or quote it if it is text")
        top = self._open[-1] if self._open else None
        if top is not None and top.wants_key:
            top.key, top.wants_key = None, False
            return
        self._attach(Scalar(None, place))

    def _decorated(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            message = f'"&{event.anchor}" is an anchor'
            self._wrong(ANCHOR, message, place, "remove it, or quote the value if it is text")
        tag = getattr(event, "tag", None)
        if tag is not None:
            tag = tag.replace("tag:yaml.org,2002:", "!!")
            self._wrong(TAG, f'"{tag}" is a tag', place, "remove it, or quote the value if it is text")
