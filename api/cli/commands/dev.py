"""`fairlead dev`: everything on this machine, in one process, following a directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.serving import serve_until_told
from api.cli.setting_flags import with_settings
from xds.server.settings import SETTINGS

EXAMPLES = ("fairlead dev", "fairlead dev examples/first", "fairlead dev --memory --xds-address 127.0.0.1:0")
Directory = Annotated[Path | None, typer.Argument(metavar="DIR", help="Documents to apply, again on each change.")]


def dev(context: typer.Context, directory: Directory = None, *, flags: dict[str, Any]) -> None:
    """Run a server with an etcd of its own until Ctrl-C. Nothing else needs to be installed or running.

    With DIR its documents are applied, and applied again whenever they change.
    """
    # A person reads the log here, unless they say otherwise.
    for_people = {} if os.environ.get("FAIRLEAD_LOG_FORMAT") else {"log_format": "text"}
    serve_until_told(flags={**for_people, **flags}, directory=directory)


def make_command() -> Callable[..., None]:
    """The function with an option for each setting."""
    return with_settings(dev, SETTINGS)
