"""The tables of a page about settings, written from the table that the process itself reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from api.hosting.settings.table import Row


def tables(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """Markdown: a heading and a table for each of `titles`, which has the sections of the TOML file in their order."""
    return "".join(_sections(rows, titles))


def _sections(rows: Sequence[Row], titles: Mapping[str, str]) -> Iterator[str]:
    order = list(titles)
    for section, members in groupby(sorted(rows, key=lambda row: order.index(_section(row))), key=_section):
        yield f"## {titles[section]}\n\n| TOML | flag | environment | default | what it is for |\n"
        yield "| --- | --- | --- | --- | --- |\n"
        for row in members:
            yield f"| `{row.toml}` | `{row.flag}` | `{row.environment}` | {_default(row)} | {row.help} |\n"
        yield "\n"


def _section(row: Row) -> str:
    return row.toml.partition(".")[0]


def _default(row: Row) -> str:
    return f"`{row.default_text}`" if row.default_text else "none"
