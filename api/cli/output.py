"""Data on standard output, in the form that -o asks for. Commands give rows for people and one document for programs.

Knows nothing of what it prints. Everything that reaches a terminal is escaped: see `terminal.escape`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.cli.terminal import escape

# JSON escapes what is below U+0020 by itself; these would reach the terminal raw.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Format(StrEnum):
    """The values of -o. The last two are for findings only: see `api.cli.reports`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    GITHUB = "github"
    SARIF = "sarif"


REPORTS = (Format.GITHUB, Format.SARIF)


class DataFormat(StrEnum):
    """The values of -o of most commands."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and whether only `-o wide` shows it."""

    heading: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list for people (`columns`, `rows`), for scripts (`names`) and for programs (`document`).

    `empty` is said on standard error when there are no rows.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    document: dict[str, Any]
    empty: str = "nothing to show"


def show_listing(listing: Listing, form: Format) -> None:
    """Print a listing in any of the forms."""
    if form in (Format.JSON, Format.YAML):
        show_document(listing.document, form)
    elif form is Format.NAME:
        write_lines(escape(name) for name in listing.names)
    elif not listing.rows:
        print(listing.empty, file=sys.stderr)
    else:
        write_lines(table_lines(listing.columns, listing.rows, wide=form is Format.WIDE))


def show_document(document: object, form: Format) -> None:
    """Print one document as JSON or YAML, its keys in the order given."""
    write_lines([as_yaml(document).rstrip("\n")] if form is Format.YAML else [as_json(document)])


def as_json(document: object) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def as_yaml(document: object) -> str:
    import yaml

    # ASCII only: what does not print would otherwise stand raw in the text.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=False, width=120))


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, wide: bool) -> list[str]:
    """Aligned lines under upper-case headings, without colour and without trailing space."""
    shown = [index for index, column in enumerate(columns) if wide or not column.wide]
    lines = [[columns[index].heading.upper() for index in shown]]
    lines += [[escape(row[index]) or "-" for index in shown] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def write_lines(lines: Iterable[str]) -> None:
    """Lines on standard output, at once. A file name that is not UTF-8 is written as escapes, not refused."""
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stdout.flush()
