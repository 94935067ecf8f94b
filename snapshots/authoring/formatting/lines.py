"""Lines of a text that is being laid out, and comments beside them. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BESIDE = "  "


@dataclass(slots=True)
class Line:
    """One line without its break. `comment` stands beside it, in `comment_column` of the text it was read from.

    `key`: the line begins a key of a block mapping, whose first column is `column`. `verbatim`: its end counts.
    `is_comment`: there is nothing else on it.
    """

    text: str
    column: int = 0
    comment: str = ""
    comment_column: int = -1
    blank_before: bool = False
    key: str = ""
    verbatim: bool = False
    is_comment: bool = False

    @property
    def end(self) -> int:
        return len(self.text.rstrip())


def joined(lines: Sequence[Line]) -> str:
    """The text: no empty line at its start or end, one at most elsewhere, comments two spaces behind their line."""
    widths = _comment_columns(lines)
    written: list[str] = []
    for line, width in zip(lines, widths, strict=True):
        if line.blank_before and written:
            written.append("")
        text = line.text if line.verbatim and not line.comment else line.text.rstrip()
        written.append(text.ljust(width) + line.comment if line.comment else text)
    return "".join(f"{line}\n" for line in written)


def _comment_columns(lines: Sequence[Line]) -> list[int]:
    """Where the comment of each line begins. Those of one column, without an empty line between, stay in one."""
    columns = [line.end + len(BESIDE) for line in lines]
    for group in _groups(lines):
        widest = max(columns[at] for at in group)
        for at in group:
            columns[at] = widest
    return columns


def _groups(lines: Sequence[Line]) -> list[list[int]]:
    """Lines whose comments stood in one column."""
    groups: list[list[int]] = []
    column = -1
    for at, line in enumerate(lines):
        if line.blank_before:
            column = -1
        if line.comment:
            if line.comment_column != column:
                groups.append([])
            groups[-1].append(at)
            column = line.comment_column
    return groups
