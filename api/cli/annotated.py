"""A body in Envoy's JSON form as YAML in which every value says where it comes from: notes, which are given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from api.cli.terminal import escape

Path = tuple[str | int, ...]
# Where the notes begin, unless a value is longer.
_NOTES_COLUMN = 64
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What older readers of YAML take for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def annotated_lines(body: Mapping[str, Any], notes: Mapping[Path, str]) -> Iterator[str]:
    """YAML, a value a line. `notes`: what is said behind a value, by its path."""
    for text, path in _lines(body, (), ""):
        note = notes.get(path) if path is not None else None
        yield f"{escape(text):<{_NOTES_COLUMN}}  # {escape(note)}" if note else escape(text)


def _lines(value: Any, path: Path, indent: str) -> Iterator[tuple[str, Path | None]]:
    """Each line, and the path of the value that ends on it, if one does."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            is_plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS
            head = f"{indent}{key if is_plain else json.dumps(key)}:"
            yield from _after(head, each, (*path, key), f"{indent}  ")
        return
    for number, each in enumerate(value):
        yield from _item(each, (*path, number), indent)


def _after(head: str, value: Any, path: Path, indent: str) -> Iterator[tuple[str, Path | None]]:
    """What stands behind a key, or below it."""
    if isinstance(value, Mapping | list) and value:
        yield head, None
        yield from _lines(value, path, indent)
    else:
        yield f"{head} {_scalar(value)}", path


def _item(value: Any, path: Path, indent: str) -> Iterator[tuple[str, Path | None]]:
    """An item of a list: its first line has the dash."""
    if not isinstance(value, Mapping | list) or not value:
        yield f"{indent}- {_scalar(value)}", path
        return
    dashed = False
    for text, found in _lines(value, path, f"{indent}  "):
        yield (text if dashed else f"{indent}- {text[len(indent) + 2 :]}"), found
        dashed = True


def _scalar(value: Any) -> str:
    """JSON's spelling, which YAML has in common; texts without quotes would sometimes be something else."""
    return json.dumps(value, ensure_ascii=False)
