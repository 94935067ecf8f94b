"""Text of others as it may be shown and kept.  No I/O here."""

from __future__ import annotations


def printable(text: str, limit: int = 256) -> str:
    """A client's text as it may be shown: control characters escaped (newlines kept), cut after `limit` characters."""
    shown = "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text[:limit])
    return shown if len(text) <= limit else f"{shown} … ({len(text) - limit} more characters)"
