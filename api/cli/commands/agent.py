"""`fairlead agent`: the agent beside a gateway. Every setting is a flag, an environment variable and a line of TOML."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.node.command import Action, Form, carry_out
from agents.node.settings import SETTINGS, AgentSettings, load_settings
from api.cli.setting_flags import with_settings

EXAMPLES = (
    "fairlead agent --node edge-1 --group edge --servers fairlead.example.com:18000 --upstream-ca ca.pem",
    "fairlead agent --config /etc/fairlead/agent.toml",
    "fairlead agent inspect --state-dir /var/lib/fairlead-agent",
    "fairlead agent doctor --config /etc/fairlead/agent.toml -o json",
    "fairlead agent reset --state-dir /var/lib/fairlead-agent",
)
What = Annotated[
    Action,
    typer.Argument(metavar="[ACTION]", help=f"What to do: {', '.join(Action)}.", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The settings as one TOML file.")]


Output = Annotated[Form, typer.Option("--output", "-o", help="The form of what is printed.")]


def agent(
    context: typer.Context,
    action: What = Action.RUN,
    config: Config = None,
    output: Output = Form.TABLE,
    *,
    flags: dict[str, Any],
) -> None:
    """Serve, keep and watch the Envoy beside it until SIGTERM, which drains it. Flag, environment, file, default."""

    def read_settings() -> AgentSettings:
        return load_settings(flags=flags, environment=os.environ, config=config)

    read_settings()  # mistakes are told as this command line tells them
    if action is Action.RUN:
        _become(_arguments(flags, config))
    raise typer.Exit(carry_out(action, read_settings, output))


def make_command() -> Callable[..., None]:
    """The function with an option for each setting."""
    return with_settings(agent, SETTINGS)


def _become(arguments: Iterator[str]) -> None:
    """This process goes on as the agent alone: a command line for people would stay in its memory for months."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "agents.node.command", "run", *arguments])


def _arguments(flags: dict[str, Any], config: Path | None) -> Iterator[str]:
    """The same settings for the agent's own command."""
    if config is not None:
        yield f"--config={config}"
    by_name = {row.name: row for row in SETTINGS}
    for name, value in flags.items():
        flag = by_name[name].flag
        if isinstance(value, bool):
            yield flag if value else f"--no-{flag.removeprefix('--')}"
        else:
            yield f"{flag}={value}"
