"""`fairlead serve`: the server for production. Every setting is a flag, an environment variable and a line of TOML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.serving import serve_until_told
from api.cli.setting_flags import with_settings
from xds.server.settings import SETTINGS

EXAMPLES = (
    "fairlead serve --config /etc/fairlead/server.toml",
    "fairlead serve --etcd http://127.0.0.1:2379 --log-format text",
)
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The settings as one TOML file.")]


def serve(context: typer.Context, config: Config = None, *, flags: dict[str, Any]) -> None:
    """Run the server until SIGTERM, which drains it. Precedence: flag, environment, file, default."""
    serve_until_told(flags=flags, config=config)


def make_command() -> Callable[..., None]:
    """The function with an option for each setting."""
    return with_settings(serve, SETTINGS)
