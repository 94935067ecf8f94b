"""The agent's own command, without the command line of operators: `fairlead-agent [run] --node edge-1 …`.

`fairlead agent` becomes this process when it is to run, so that what stays is small. Actions are imported when they
are asked for.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from agents.node.settings import SETTINGS, AgentSettings, load_settings
from api.errors import FairleadError

BUG = 70


class Action(StrEnum):
    """What can be asked for."""

    RUN = "run"
    INSPECT = "inspect"
    DOCTOR = "doctor"
    RESET = "reset"


class Form(StrEnum):
    """Of what is printed."""

    TABLE = "table"
    JSON = "json"


MODULES = {
    Action.RUN: "agents.node.process",
    Action.RESET: "agents.node.resetting",
}
"""Each has `main(settings, reload)`, which returns the exit code."""

LOOKS = {
    Action.INSPECT: "agents.node.inspecting",
    Action.DOCTOR: "agents.node.doctor.examination",
}
"""Each has `main(settings, as_json)`, which prints what it finds, changes nothing, and returns the exit code."""

UNWANTED = ("rich",)
"""What libraries take if it is there, and an agent has no use for: 5 MiB, for structlog to draw tracebacks."""

Reload = Callable[[], AgentSettings]


def run() -> int:
    """The entry of `fairlead-agent`; returns the exit code."""
    return main(sys.argv[1:])


def main(arguments: Sequence[str]) -> int:
    """Carry out one command line; errors of ours are told in their words on standard error."""
    given = _parser().parse_args(arguments)

    def read_settings() -> AgentSettings:
        flags = {row.name: getattr(given, row.name) for row in SETTINGS}
        return load_settings(flags=flags, environment=os.environ, config=given.config)

    for name in UNWANTED:
        sys.modules.setdefault(name, cast("ModuleType", None))  # it cannot be imported
    try:
        return carry_out(given.action, read_settings, given.output)
    except FairleadError as error:
        for finding in error.findings:
            print(finding, file=sys.stderr)
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # a defect ends the process; it is told as one
        from api.telemetry import logs

        logs.logger("agent").error("this is a bug in the agent; please report it", exc_info=error)
        return BUG


def carry_out(action: Action, read_settings: Reload, form: Form = Form.TABLE) -> int:
    """Returns the exit code. Raises FairleadError."""
    settings = read_settings()
    code: int
    if action in LOOKS:
        code = import_module(LOOKS[action]).main(settings, form is Form.JSON)
    else:
        code = import_module(MODULES[action]).main(settings, read_settings)
    return code


def _parser() -> ArgumentParser:
    parser = ArgumentParser("fairlead-agent", description="Beside a gateway: its xDS, its last known good, its Envoy.")
    parser.add_argument(
        "action", nargs="?", type=Action, choices=tuple(Action), default=Action.RUN, help="what to do; run"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings as one TOML file")
    parser.add_argument(
        "-o", "--output", type=Form, choices=tuple(Form), default=Form.TABLE, help="the form of what is printed"
    )
    for row in SETTINGS:
        if row.kind == "bool":
            parser.add_argument(
                row.flag, dest=row.name, action=BooleanOptionalAction, default=None, help=_help(row.help)
            )
        else:
            parser.add_argument(row.flag, dest=row.name, metavar="VALUE", help=_help(row.help))
    return parser


def _help(words: str) -> str:
    return words.replace("%", "%%")


if __name__ == "__main__":
    sys.exit(run())
