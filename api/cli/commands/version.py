"""`fairlead version`."""

from __future__ import annotations

import platform

import typer

from api.cli.output import Format, show_document, write_lines
from api.cli.shared import invocation_of
from api.hosting.version import version

EXAMPLES = ("fairlead version", "fairlead version -o json")


def command(context: typer.Context) -> None:
    """Print the version of this command. `fairlead status` prints the server's."""
    form = invocation_of(context).output
    if form in (Format.JSON, Format.YAML):
        show_document({"version": version(), "python": platform.python_version()}, form)
    else:
        write_lines([f"fairlead {version()}"])
