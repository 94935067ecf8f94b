"""What is wrong with a message, and where in it. Knows nothing of files and lines: authoring maps paths to those.

Codes: E03xx, what was written does not have the form of the type; E04xx, a rule that Envoy declares is broken.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from api.errors import Severity

Path = tuple[str | int, ...]

NOT_AN_OBJECT = "E0300"
UNKNOWN_FIELD = "E0301"
WRONG_TYPE = "E0302"
UNKNOWN_ENUM_VALUE = "E0303"
UNKNOWN_TYPE = "E0304"
MISSING_TYPE = "E0305"
MALFORMED = "E0306"
OUT_OF_RANGE = "E0307"
ONEOF_SET_TWICE = "E0308"
FIELD_SET_TWICE = "E0309"
TOO_DEEP = "E0310"
BROKEN_BYTES = "E0311"
RULE_BROKEN = "E0401"
REQUIRED = "E0402"

# Envoy, and every other reader of protobuf, refuses messages nested deeper than this.
DEPTH_LIMIT = 100
# Nobody mistypes a name of this many characters, and comparing takes time.
LONGEST_GUESS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at `path`: keys as they were authored and indexes from 0. `suggestion` is a sentence or empty.

    `beside`: the path of another value that has to do with it, whose line is to be told too; empty: none.
    """

    path: Path
    message: str
    suggestion: str = ""
    code: str = WRONG_TYPE
    severity: Severity = "error"
    beside: Path = ()

    def __str__(self) -> str:
        place = path_text(self.path)
        return f"{place}: {self.message}" if place else self.message


def path_text(path: Path) -> str:
    """`filters[0].typed_config`, for people."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def quoted(text: str, limit: int = 60) -> str:
    """`text` in quotes for a message: on one line, control characters escaped, cut at `limit` characters."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return '"' + "".join(_escaped(character) for character in shown) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`did you mean "…"?` with the nearest of `known`, or nothing when none is near."""
    from difflib import get_close_matches

    if len(word) > LONGEST_GUESS:
        return ""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {quoted(near[0])}?" if near else ""
