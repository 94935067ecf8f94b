"""Lexemes -> lines: two columns for each level, one space where one belongs. Lines are neither joined nor split.

A list stands in the column of its key, as Kubernetes has it. Flow collections that reach over several lines are
indented by their brackets. No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from snapshots.authoring.formatting.lexemes import Comment, Lexeme, NotForUs, header_comment, is_block
from snapshots.authoring.formatting.lines import Line

STEP = 2
_OPENING = frozenset({"FlowSequenceStart", "FlowMappingStart"})
_CLOSING = frozenset({"FlowSequenceEnd", "FlowMappingEnd"})
_AT_THE_MARGIN = frozenset({"Directive", "DocumentStart", "DocumentEnd", "StreamEnd"})
_HEADER = re.compile(r"[|>]([-+]?)(\d?)([-+]?)")


@dataclass(frozen=True, slots=True)
class _Level:
    """An open block collection: its column as it was, and as it is now."""

    is_list: bool
    was: int
    now: int
    under_its_key: bool = False  # a list that opens no level of its own in the token stream


@dataclass(frozen=True, slots=True)
class _Flow:
    """An open bracket: the column of what it holds, and of the bracket that closes it."""

    inner: int
    outer: int


def laid_out(found: Iterable[Lexeme]) -> list[Line]:
    """The lines of a text. Raises NotForUs for what is better left alone."""
    layout = _Layout()
    for lexeme in found:
        layout.take(lexeme)
    return layout.lines


class _Layout:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._levels: list[_Level] = []
        self._closed: list[_Level] = []  # since the last token with a text, innermost first
        self._flows: list[_Flow] = []
        self._last: Lexeme | None = None  # with a text
        self._line = -1  # of the source, where the last one ended
        self._key_next = False
        self._line_is_inside = False  # a bracket was open where the line began

    def take(self, lexeme: Lexeme) -> None:
        if lexeme.kind in _STRUCTURES:
            _STRUCTURES[lexeme.kind](self, lexeme)
        elif lexeme.kind != "StreamStart":
            self._text(lexeme)

    # What opens and closes.

    def _begin_mapping(self, lexeme: Lexeme) -> None:
        self._levels.append(_Level(False, lexeme.column, self._column_below(lexeme, is_list=False)))

    def _begin_list(self, lexeme: Lexeme) -> None:
        self._levels.append(_Level(True, lexeme.column, self._column_below(lexeme, is_list=True)))

    def _column_below(self, lexeme: Lexeme, *, is_list: bool) -> int:
        if lexeme.line == self._line and (self._last is None or self._last.kind != "BlockEntry"):
            raise NotForUs("a collection beside something else")
        if not self._levels:
            return 0
        above = self._levels[-1]
        return above.now if is_list and not above.is_list else above.now + STEP

    def _end(self, lexeme: Lexeme) -> None:
        if self._levels and self._levels[-1].under_its_key:
            self._closed.append(self._levels.pop())
        self._closed.append(self._levels.pop())

    def _key(self, lexeme: Lexeme) -> None:
        if self._flows:
            return
        if self._levels[-1].under_its_key:
            self._closed.append(self._levels.pop())
        self._key_next = True

    # What has a text.

    def _text(self, lexeme: Lexeme) -> None:
        if lexeme.kind == "BlockEntry" and not self._levels[-1].is_list:
            key = self._levels[-1]
            self._levels.append(_Level(True, lexeme.column, key.now, under_its_key=True))
        if lexeme.beside is not None:
            self._beside(lexeme.beside)
        if lexeme.line != self._line or not self.lines:
            self._begin_line(lexeme)
        else:
            self._append(lexeme)
        self._remember(lexeme)

    def _remember(self, lexeme: Lexeme) -> None:
        if lexeme.kind in _OPENING:
            outer = self._flows[-1].inner if self._line_is_inside else self._content_column
            self._flows.append(_Flow(outer + STEP, outer))
        elif lexeme.kind in _CLOSING:
            self._flows.pop()
        # A block scalar ends with its last line: nothing follows on it.
        self._last, self._line, self._key_next = lexeme, -1 if is_block(lexeme) else lexeme.end_line, False
        self._closed.clear()

    @property
    def _content_column(self) -> int:
        """Where what belongs to the innermost block collection begins."""
        if not self._levels:
            return 0
        return self._levels[-1].now + (STEP if self._levels[-1].is_list else 0)

    def _begin_line(self, lexeme: Lexeme) -> None:
        if lexeme.kind == "Value":
            raise NotForUs("a colon at the start of a line")
        column = self._column_of(lexeme)
        for comment in lexeme.above:
            self._above(comment, lexeme, column)
        self._line_is_inside = bool(self._flows)
        if lexeme.kind == "StreamEnd":
            return
        key = lexeme.raw if self._key_next else ""
        self.lines.append(Line(" " * column, column, blank_before=lexeme.blank_before, key=key))
        self._write(lexeme)

    def _column_of(self, lexeme: Lexeme) -> int:
        """The column of a token that begins a line."""
        if lexeme.kind in _AT_THE_MARGIN:
            return 0
        if self._flows:
            return self._flows[-1].outer if lexeme.kind in _CLOSING else self._flows[-1].inner
        if not self._levels:
            return 0
        is_own = self._key_next or lexeme.kind == "BlockEntry"
        return self._levels[-1].now + (0 if is_own else STEP)

    def _above(self, comment: Comment, lexeme: Lexeme, column: int) -> None:
        """A comment on a line of its own goes with what follows, or, further right, with what ended before it."""
        at = column
        margin = -1 if lexeme.kind in _AT_THE_MARGIN else lexeme.column
        if not self._flows and comment.column > margin:
            within = [level for level in (*self._levels, *reversed(self._closed)) if level.was <= comment.column]
            at = max((level.now for level in within), default=column) if self._closed else column
        self.lines.append(Line(" " * at + comment.text, at, blank_before=comment.blank_before, is_comment=True))

    def _beside(self, comment: Comment) -> None:
        if self.lines[-1].comment:  # pragma: no cover: a line has one end
            raise NotForUs("two comments on one line")
        self.lines[-1].comment, self.lines[-1].comment_column = comment.text, comment.column

    def _append(self, lexeme: Lexeme) -> None:
        last = self._last.kind if self._last is not None else ""
        # After a key without a value a space stays: `{a:,` would read as a text.
        tight = (lexeme.kind == "FlowEntry" or lexeme.kind in _CLOSING) and last != "Value"
        tight = tight or last in _OPENING
        tight = tight or (lexeme.kind == "Value" and last != "Alias")
        self.lines[-1].text += "" if tight else " "
        self._write(lexeme)

    def _write(self, lexeme: Lexeme) -> None:
        if is_block(lexeme):
            self._write_block(lexeme)
            return
        first, *others = lexeme.raw.split("\n")
        self.lines[-1].text += _without_end(first) if others else first
        column = self._flows[-1].inner if self._flows else self._levels[-1].now + STEP if self._levels else STEP
        for number, line in enumerate(others):
            is_last = number == len(others) - 1
            text = line.lstrip(" \t") if is_last else _without_end(line.lstrip(" \t"))
            self.lines.append(Line(" " * column + text if text else "", column, verbatim=not is_last))

    def _write_block(self, lexeme: Lexeme) -> None:
        header, _, body = lexeme.raw.partition("\n")
        match = _HEADER.match(header)
        assert match is not None
        # A text that ends without a line break gets one; the value must not.
        chomping, digit = match[1] or match[3] if lexeme.raw.endswith("\n") else "-", match[2]
        comment = header_comment(lexeme.raw)
        self.lines[-1].text += header[0] + (str(STEP) if digit else "") + chomping
        if comment:
            self.lines[-1].comment = comment
            self.lines[-1].comment_column = lexeme.column + header.index("#")
        above = self._levels[-1] if self._levels else None
        indent = (above.was if above is not None else 0) + int(digit) if digit else _indent(body)
        column = above.now + STEP if above is not None else STEP
        for line in _body_lines(body, keep=chomping == "+"):
            text = line[indent:] if line[:indent].isspace() or not indent else line.lstrip(" ")
            self.lines.append(Line(" " * column + text if text else "", column, verbatim=True))


_STRUCTURES = {
    "BlockMappingStart": _Layout._begin_mapping,
    "BlockSequenceStart": _Layout._begin_list,
    "BlockEnd": _Layout._end,
    "Key": _Layout._key,
}


def _indent(body: str) -> int:
    """The columns before the text of a block scalar, told by its first line that is not empty."""
    first = next((line for line in body.split("\n") if line.strip(" ")), "")
    return len(first) - len(first.lstrip(" "))


def _body_lines(body: str, *, keep: bool) -> list[str]:
    """The lines of a block scalar; empty ones at its end are part of it only where it says `+`."""
    lines = body.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    while lines and not keep and not lines[-1].strip(" "):
        lines.pop()
    return lines


def _without_end(line: str) -> str:
    """Without the blanks before a line break, which are folded away; one that is escaped stays."""
    stripped = line.rstrip(" \t")
    return line if stripped.endswith("\\") else stripped
