"""The typer application: a group whose commands are imported when they are run, each with its shared options."""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from api.cli.shared import Color, Context, Invocation, Server, Timeout, options_of
from api.cli.table import BY_NAME, ROWS, SECTIONS, Row
from api.cli.terminal import ColorWhen
from api.errors import FairleadError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
COMPLETE_VARIABLE = "_FAIRLEAD_COMPLETE"
HELP = "Fairlead: the control plane for fleets of Envoy edge gateways."


class OutputClosed(Exception):
    """The reader of our standard output is gone."""


class CommandFailed(Exception):
    """A command raised one of our errors; `color` is what --color said, for whoever prints it."""

    def __init__(self, error: FairleadError, color: ColorWhen) -> None:
        super().__init__(error.message)
        self.error = error
        self.color = color


class SharedCommand(TyperCommand):
    """A command with shared options: they become the context's `Invocation`, the rest the function's arguments."""

    shared: tuple[str, ...] = ()

    def share(self, row: Row) -> None:
        options = [option for share in row.shares for option in options_of(share)]
        self.params.extend(options)
        self.shared = tuple(option.name for option in options)

    def invoke(self, ctx: Any) -> Any:
        given = {name: ctx.params.pop(name, None) for name in self.shared}
        ctx.obj = (ctx.find_object(Invocation) or Invocation()).overridden(given)
        try:
            return super().invoke(ctx)
        except FairleadError as error:
            raise CommandFailed(error, ctx.obj.color) from error
        except BrokenPipeError:
            # typer ends with 1 on this, and 1 says "there are differences".
            raise OutputClosed from None


class LazyGroup(TyperGroup):
    """The top of the command line. Its commands are rows of a table until one is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [row.name for row in ROWS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = BY_NAME.get(cmd_name)
        return load(row) if row else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in BY_NAME:
            close = difflib.get_close_matches(args[0], BY_NAME, 1)
            hint = f"; did you mean {close[0]!r}?" if close else "; `fairlead --help` lists them"
            ctx.fail(f"no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl([(row.name, row.help) for row in ROWS if row.section == section])


def build() -> Any:
    """The whole application, ready to be called with `args`."""
    if COMPLETE_VARIABLE in os.environ:  # a shell asks for completions, in the way of `fairlead completion`'s script
        from typer.completion import completion_init  # type: ignore[attr-defined]  # it has no public place

        completion_init()
    app = typer.Typer(
        cls=LazyGroup,
        help=HELP,
        context_settings=SETTINGS,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_top)
    return typer.main.get_command(app)


def load(row: Row) -> Any:
    """Import one command and make it. A module has a function `command`, or `build` for one with subcommands."""
    module = importlib.import_module(row.module)
    if hasattr(module, "build"):
        group = typer.main.get_command(module.build())
        members = group.commands.values()  # type: ignore[attr-defined]  # build() gives a group
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=SETTINGS)
        app.command(row.name, cls=SharedCommand, short_help=row.help, epilog=_examples(module.EXAMPLES))(
            module.make_command() if hasattr(module, "make_command") else module.command
        )
        group = typer.main.get_command(app)
        members = [group]
    for member in members:
        member.share(row)
    return group


def subcommands(
    name: str, help: str, examples: tuple[str, ...], functions: dict[str, Callable[..., None]]
) -> typer.Typer:
    """A command that has commands of its own, by name."""
    app = typer.Typer(
        name=name,
        help=help,
        epilog=_examples(examples),
        context_settings=SETTINGS,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
    )
    for subcommand, function in functions.items():
        app.command(subcommand, cls=SharedCommand)(function)
    return app


def _examples(lines: tuple[str, ...]) -> str:
    # \b keeps the lines as they are.
    return "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))


def _print_version(wanted: bool) -> None:
    if wanted:
        from api.hosting.version import version

        typer.echo(f"fairlead {version()}")
        raise typer.Exit


def _top(
    context_of_call: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    server: Server = None,
    context: Context = None,
    timeout_s: Timeout = None,
    color: Color = None,
) -> None:
    given = {"server": server, "context": context, "timeout_s": timeout_s, "color": color}
    context_of_call.obj = Invocation().overridden(given)
