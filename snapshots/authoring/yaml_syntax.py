"""What the YAML parser complains of, in the words of somebody who wants to mend it: a table, and where to point."""

from __future__ import annotations

from typing import NamedTuple

import yaml

from snapshots.authoring.source import Mistake
from snapshots.authoring.yaml_nodes import Place
from snapshots.codes import SYNTAX

TEXT_AFTER_DOCUMENT = "did not find expected <document start>"


class _Words(NamedTuple):
    message: str
    suggestion: str = ""
    at_start: bool = False  # point at where the construct began, not at where the parser gave up


_NO_CONTENT = "did not find expected node content"
_QUOTE = _Words("the quote that opens here is never closed", "close the quote", at_start=True)
_LIST = _Words("the list that opens here is never closed", 'close the "[" with a "]"', at_start=True)
_MAPPING = _Words("the mapping that opens here is never closed", 'close the "{" with a "}"', at_start=True)
_INDENT = _Words(
    "this line fits no mapping or list that is open",
    "indent it like its neighbours, with spaces, and quote values that hold special characters",
)
_WORDS: dict[str, _Words] = {
    "mapping values are not allowed in this context": _Words(
        'a ":" where none can be', 'quote a value that holds ": ", and indent keys of one mapping alike'
    ),
    "block sequence entries are not allowed in this context": _Words(
        'a "- " where no list can begin', "begin the list on a line of its own"
    ),
    "found unexpected end of stream": _QUOTE,
    "found unexpected document indicator": _QUOTE,
    "did not find expected ',' or ']'": _LIST,
    "did not find expected ',' or '}'": _MAPPING,
    "did not find expected key": _INDENT,
    "did not find expected '-' indicator": _INDENT,
    TEXT_AFTER_DOCUMENT: _Words("text after the end of a document", 'begin another document with a line "---"'),
    "found a tab character that violates indentation": _Words("a tab cannot indent", "use spaces"),
    "found unknown escape character": _Words("an unknown escape in a quoted text", 'write a backslash as "\\\\"'),
    "did not find expected alphabetic or numeric character": _Words(
        'a value cannot begin with "*" or "&" unless it is quoted', 'write it in quotes: "*"'
    ),
    "could not find expected ':'": _Words('a key without ":"', 'write "key: value"'),
    _NO_CONTENT: _Words("a value is missing here", "write one, or remove what asks for it"),
}
_UNFINISHED = _Words("the document ends inside a list or a mapping", 'close it with "]" or "}"')
_TAB = _Words("a tab cannot indent", "use spaces")
_RESERVED = _Words("a value or key cannot begin with {letter} unless it is quoted", "write it in quotes")


def syntax_mistake(error: yaml.YAMLError, text: str, first_line: int) -> Mistake:
    """The error of a parse of `text`, whose first line is line `first_line` of its file (from 1)."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Mistake(SYNTAX, str(error), Place(first_line, 1))
    problem = error.problem or "this is not YAML"
    words = _WORDS.get(problem, _Words(problem))
    mark = error.context_mark if words.at_start else error.problem_mark
    mark = mark or error.problem_mark or error.context_mark
    if mark is None:
        return Mistake(SYNTAX, words.message, Place(first_line, 1), words.suggestion)
    if problem == "found character that cannot start any token":
        words = _cannot_start(text[mark.index : mark.index + 1])
    if problem == _NO_CONTENT and text[mark.index : mark.index + 3] in ("", "---", "..."):
        words = _UNFINISHED
    return Mistake(SYNTAX, words.message, Place(mark.line + first_line, mark.column + 1), words.suggestion)


def _cannot_start(letter: str) -> _Words:
    if letter == "\t":
        return _TAB
    return _RESERVED._replace(message=_RESERVED.message.format(letter=letter or "this"))
