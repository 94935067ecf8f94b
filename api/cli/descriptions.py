"""A described field as lines for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from api.cli.terminal import escape

if TYPE_CHECKING:
    from snapshots.authoring.kinds.describe import Described

# How the names of Envoy's messages begin, and of those that they hold.
PACKAGES = ("envoy.", "xds.", "udpa.", "google.")
TYPE_URL = "type.googleapis.com/"
WIDTH = 110
INDENT = "  "


def message_name(words: str) -> str:
    """The full name of a message, from itself or its type URL; empty for what names something else."""
    name = words.removeprefix(TYPE_URL)
    return name if name.startswith(PACKAGES) else ""


def description_lines(described: Described) -> Iterator[str]:
    """Its path and type, what it means, what it takes; then the fields below it in the same way."""
    yield f"{described.path}: {described.type}{', required' if described.required else ''}"
    for sentence in (described.meaning, *facts(described)):
        yield from _wrapped(sentence, INDENT)
    if described.fields:
        yield ""
    for each in described.fields:
        yield from _field_lines(each)


def facts(described: Described) -> Iterator[str]:
    """What it takes besides its type: `default: 1`, `limits: 1 to 16 items`, `one of: A, B`."""
    if described.default:
        yield f"default: {described.default}"
    if described.limits:
        yield f"limits: {'; '.join(described.limits)}"
    if described.allowed:
        yield f"one of: {', '.join(described.allowed)}"


def _field_lines(each: Described) -> Iterator[str]:
    """`name  type, required`, and below it what it means and takes."""
    yield f"{INDENT}{escape(each.name)}  {escape(each.type)}{', required' if each.required else ''}"
    for sentence in (each.meaning, *facts(each)):
        yield from _wrapped(sentence, INDENT * 3)


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(escape(text), WIDTH, initial_indent=indent, subsequent_indent=indent)
