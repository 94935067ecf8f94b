"""A YAML text's tokens, each with what stands before it and means nothing: comments and blank lines. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_BLOCK = ("|", ">")
# Tokens without a text of their own: they say how those with one are nested.
STRUCTURE = frozenset({"StreamStart", "BlockMappingStart", "BlockSequenceStart", "BlockEnd", "Key"})


class NotForUs(Exception):
    """YAML of a kind that people do not write by hand, such as keys that begin with `? `: it is left as it is."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its `#`. `column` from 0. `blank_before`: an empty line stands above it."""

    text: str
    column: int
    blank_before: bool = False


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One token. `raw` is its text, empty for what only says how others are nested; lines and columns from 0.

    `beside` is the comment on the line before it ends; `above` those on lines of their own; `blank_before`: an empty
    line stands directly above the token.
    """

    kind: str
    raw: str
    line: int
    end_line: int
    column: int
    style: str = ""
    beside: Comment | None = None
    above: tuple[Comment, ...] = ()
    blank_before: bool = False


def lexemes(text: str) -> Iterator[Lexeme]:
    """All tokens of `text`, whose line breaks are `\\n`. Raises yaml.YAMLError for what is no YAML."""
    end, line, kept = 0, 0, False
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        kind = type(token).__name__.removesuffix("Token")
        start, stop = token.start_mark, token.end_mark
        raw = text[start.index : stop.index]
        if kind in STRUCTURE:
            if kind == "Key" and raw:
                raise NotForUs("an explicit key")
            yield Lexeme(kind, "", start.line, start.line, start.column)
            continue
        before = text[end : len(text) if kind == "StreamEnd" else start.index]
        on_one_line = start.line == line and kind != "StreamEnd" and not is_line_start(text, end)
        gap = _NOTHING if on_one_line else _Gap(text, end, end + len(before), kept)
        end = stop.index
        style = str(getattr(token, "style", None) or "") if kind == "Scalar" else ""
        line = end_line = start.line + raw.count("\n")
        kept = style in _BLOCK and "+" in raw and "+" in raw.partition("\n")[0].partition("#")[0]
        yield Lexeme(kind, raw, start.line, end_line, start.column, style, gap.beside, gap.above, gap.blank)


def is_line_start(text: str, index: int) -> bool:
    """Whether a line begins at `index`."""
    return index == 0 or text[index - 1] == "\n"


class _Gap:
    """What stands between two tokens."""

    def __init__(self, text: str, start: int, stop: int, kept: bool) -> None:
        self.beside: Comment | None = None
        above: list[Comment] = []
        begins_line = is_line_start(text, start)
        # A block scalar takes the empty lines behind it along. Where it says `+` they are its own (`kept`).
        self.blank = not kept and text.endswith("\n\n", 0, start)
        first, *others = text[start:stop].split("\n")
        lines = [first, *others] if begins_line else others
        if not begins_line and "#" in first:
            column = start - (text.rfind("\n", 0, start) + 1)
            self.beside = _comment(first, column)
        for line in lines[: None if stop == len(text) else -1]:
            if "#" in line:
                above.append(_comment(line, 0, self.blank))
                self.blank = False
            elif not line.strip():
                self.blank = True
        self.above = tuple(above)


_NOTHING = _Gap("x", 1, 1, kept=False)


def _comment(line: str, column: int, blank_before: bool = False) -> Comment:
    place = line.index("#")
    return Comment(line[place:].rstrip(), column + place, blank_before)


def comments(text: str) -> list[str]:
    """Every comment of `text`, those beside the headers of block scalars too."""
    found: list[str] = []
    for each in lexemes(text):
        found += [comment.text for comment in (each.beside, *each.above) if comment is not None]
        if is_block(each):
            found += [header_comment(each.raw)] if header_comment(each.raw) else []
    return found


def is_block(lexeme: Lexeme) -> bool:
    """Whether it is a scalar that begins with `|` or `>`."""
    return lexeme.kind == "Scalar" and lexeme.style in _BLOCK


def header_comment(raw: str) -> str:
    """The comment on the first line of a block scalar."""
    header, mark, rest = raw.partition("\n")[0].partition("#")
    return (mark + rest).rstrip() if mark and header != header.rstrip() else ""
