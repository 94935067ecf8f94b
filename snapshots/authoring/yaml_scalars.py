"""What a plain (unquoted) YAML scalar means: YAML 1.2's core schema (section 10.3.2), and nothing of YAML 1.1.

So `yes`, `on`, `12:30` and `1_000` are text. One difference: a number with a leading zero (`010`) is text as well,
because YAML 1.1 reads it as eight, YAML 1.2 as ten, and its author may mean either.
"""

from __future__ import annotations

import re

PlainValue = str | int | float | bool | None

_WORDS: dict[str, PlainValue] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((f"{sign}{word}" for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_DIGITS_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# Longer than any 64-bit number or double needs; turning longer text into a number costs more than linear time.
_NUMBER_LIMIT = 400


def plain_value(text: str) -> PlainValue:
    """The value of the unquoted scalar `text`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _DIGITS_START or len(text) > _NUMBER_LIMIT:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
