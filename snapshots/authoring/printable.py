"""Text of others, made safe to print: one line, no terminal escapes or invisible characters, not endless."""

from __future__ import annotations

EXCERPT_LIMIT = 240
MESSAGE_LIMIT = 600


def printable(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """`text` with everything that is not printable written as an escape, cut to `limit` characters with an ellipsis."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
