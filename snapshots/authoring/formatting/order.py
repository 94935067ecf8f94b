"""The order of a document's first keys and of its metadata's, as Kubernetes has it. A key takes its comments along.

Comments above a document's first key are about the document, and stay on top. No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snapshots.authoring.formatting.lines import Line

_DOCUMENT = ("apiVersion", "kind", "metadata")
_DOCUMENT_LAST = ("status",)
_METADATA = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    lines: list[Line]


def in_order(lines: Sequence[Line]) -> list[Line]:
    """The lines of one document, without its `---`, in the order of keys."""
    head, entries = _entries(lines, 0)
    if not {"apiVersion", "kind"} <= {entry.key for entry in entries}:
        return list(lines)
    entries = [_metadata(entry) if entry.key == "metadata" else entry for entry in entries]
    return [*head, *_sorted(entries, _DOCUMENT, _DOCUMENT_LAST)]


def _metadata(entry: _Entry) -> _Entry:
    at = next(index for index, line in enumerate(entry.lines) if line.key)
    start, below = entry.lines[: at + 1], entry.lines[at + 1 :]
    column = next((line.column for line in below if line.key), 0)
    if not column:
        return entry
    head, entries = _entries(below, column)
    return _Entry(entry.key, [*start, *head, *_sorted(entries, _METADATA, ())])


def _entries(lines: Sequence[Line], column: int) -> tuple[list[Line], list[_Entry]]:
    """What stands before the first key in `column`, and the keys there, each with all that is below it."""
    entries: list[_Entry] = []
    head: list[Line] = []
    for line in lines:
        if line.key and line.column == column and not line.verbatim:
            before = entries[-1].lines if entries else []
            entries.append(_Entry(line.key.strip("\"'"), [*_own_comments(before, column), line]))
        else:
            (entries[-1].lines if entries else head).append(line)
    return head, entries


def _own_comments(before: list[Line], column: int) -> list[Line]:
    """The comments directly above a key, taken off the end of what stands before it."""
    own: list[Line] = []
    while before and before[-1].is_comment and before[-1].column == column:
        own.insert(0, before.pop())
    return own


def _sorted(entries: list[_Entry], first: Sequence[str], last: Sequence[str]) -> list[Line]:
    def rank(entry: _Entry) -> int:
        if entry.key in first:
            return first.index(entry.key)
        return len(first) + (entry.key in last)

    ordered = sorted(entries, key=rank)
    if ordered == entries:
        return [line for entry in entries for line in entry.lines]
    trailing = _own_comments(entries[-1].lines, entries[-1].lines[0].column) if entries else []
    lines = [line for entry in ordered for line in entry.lines]
    lines[0] = replace(lines[0], blank_before=False)
    return [*lines, *trailing]
