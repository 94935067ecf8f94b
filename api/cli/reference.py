"""Writes the part of docs/cli.md that the application itself knows: every command, its usage, options and examples.

python -m api.cli.reference docs/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.cli.application import build, load
from api.cli.table import ROWS, SECTIONS, Row
from snapshots.marked import with_part


def commands_markdown() -> str:
    """All commands, section by section."""
    top = build()
    lines: list[str] = []
    for section in SECTIONS:
        lines += [f"## {section}", ""]
        for row in ROWS:
            if row.section == section:
                lines += _command_lines(row, load(row), top)
    return "\n".join(lines).rstrip() + "\n"


def _command_lines(row: Row, command: Any, top: Any) -> Iterator[str]:
    yield from (f"### fairlead {row.name}", "")
    with top.make_context("fairlead", [], resilient_parsing=True) as above:
        yield from _described(command, above)
        for name in getattr(command, "commands", {}):
            with command.make_context(row.name, [], parent=above, resilient_parsing=True) as context:
                yield from (f"#### fairlead {row.name} {name}", "")
                yield from _described(command.commands[name], context)


def _described(command: Any, above: Any) -> Iterator[str]:
    with command.make_context(command.name, [], parent=above, resilient_parsing=True) as context:
        context.terminal_width = 110
        yield from ("```", *(line.rstrip() for line in command.get_help(context).splitlines()), "```", "")


def with_commands(page: str) -> str:
    """The page with its part between the markers written anew. Raises ValueError when it has no markers."""
    return with_part(page, "commands", commands_markdown())


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_commands(page.read_text()))
