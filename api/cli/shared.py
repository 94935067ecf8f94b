"""Options that several commands have, declared once, and what they come to: one frozen `Invocation`.

A command names the families it takes in `api.cli.table`; `api.cli.main` adds them to the command and hands the outcome
over in the context. The connection options also stand before the command: `fairlead --server HOST:PORT status`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated, Any

import typer

from api.cli.output import DataFormat, Format
from api.cli.terminal import ColorWhen

_DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s?)?")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the shared options say. `timeout_s` None: each call has its own deadline and waiting has none."""

    server: str = ""
    context: str = ""
    timeout_s: float | None = None
    color: ColorWhen = ColorWhen.AUTO
    output: Format = Format.TABLE
    watch: bool = False

    def overridden(self, options: Mapping[str, Any]) -> Invocation:
        """The same with what is given in `options`; None there is "not given"."""
        given = {name: value for name, value in options.items() if value is not None}
        return replace(self, **given | ({"output": Format(given["output"])} if "output" in given else {}))


def invocation_of(context: typer.Context) -> Invocation:
    """What the shared options said on this command line."""
    return context.find_object(Invocation) or Invocation()


def duration_s(text: str) -> float:
    """`30`, `30s`, `1m30s`, `1.5h` in seconds; more than nothing."""
    match = _DURATION.fullmatch(text.strip())
    parts = {unit: float(value) for unit, value in match.groupdict().items() if value} if match else {}
    total_s = parts.get("h", 0) * 3600 + parts.get("m", 0) * 60 + parts.get("s", 0)
    if not total_s:
        raise typer.BadParameter(f"{text!r} is not a duration; write 30s, 2m or 1m30s")
    return total_s


Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="HOST:PORT", help="The server; else FAIRLEAD_SERVER, the context, 127.0.0.1:18001."
    ),
]
Context = Annotated[str | None, typer.Option("--context", metavar="NAME", help="A context; see `fairlead context`.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="DURATION", parser=duration_s, help="Give up after this long (exit 124): 30s, 2m."
    ),
]
Color = Annotated[ColorWhen | None, typer.Option("--color", help="Colours: on a terminal, always, or never.")]
Output = Annotated[DataFormat | None, typer.Option("--output", "-o", help="The form of what is printed.")]
FindingsOutput = Annotated[
    Format | None, typer.Option("--output", "-o", help="The form of what is printed; github and sarif are for CI.")
]
Watch = Annotated[bool | None, typer.Option("--watch", "-w", help="Print again whenever it changes, until Ctrl-C.")]


def _connection(server: Server = None, context: Context = None, timeout_s: Timeout = None) -> None:
    """How the server is found and how long it is waited for."""


def _color(color: Color = None) -> None:
    """When to use colours."""


def _output(output: Output = None) -> None:
    """What form to print in."""


def _findings_output(output: FindingsOutput = None) -> None:
    """What form to print in, where findings are printed."""


def _watch(watch: Watch = None) -> None:
    """Whether to go on."""


class Share(Enum):
    """The families of shared options."""

    CONNECTION = "connection"
    COLOR = "color"
    OUTPUT = "output"
    FINDINGS = "findings"
    WATCH = "watch"


_DECLARED: dict[Share, Callable[..., None]] = {
    Share.CONNECTION: _connection,
    Share.COLOR: _color,
    Share.OUTPUT: _output,
    Share.FINDINGS: _findings_output,
    Share.WATCH: _watch,
}


def options_of(share: Share) -> list[Any]:
    """The parsed form of one family's options, as typer makes them from a signature."""
    declared = typer.Typer(add_completion=False)
    declared.command()(_DECLARED[share])
    return list(typer.main.get_command(declared).params)
