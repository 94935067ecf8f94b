"""The settings of a process as flags, made from its one table of them, so that none can be forgotten.

typer reads a function's signature; here the signature is written from the table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from api.hosting.settings.kinds import urls
from api.hosting.settings.table import Row


def with_settings(command: Callable[..., None], rows: Sequence[Row]) -> Callable[..., None]:
    """`command(…, flags)` as a function with an option for each setting; `flags` are those given, by setting name."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "flags"]
    settings = [_parameter(row) for row in rows]

    def with_flags(**values: Any) -> None:
        flags = {row.name: values.pop(row.name) for row in rows}
        command(**values, flags={name: value for name, value in flags.items() if value is not None})

    with_flags.__signature__ = inspect.Signature([*own, *settings])  # type: ignore[attr-defined]  # inspect reads it
    with_flags.__doc__ = command.__doc__
    return with_flags


def _parameter(row: Row) -> inspect.Parameter:
    is_switch = row.kind == "bool"
    names = (f"{row.flag}/--no-{row.flag.removeprefix('--')}",) if is_switch else (row.flag,)
    option = typer.Option(*names, help=_help(row), metavar=None if is_switch else _metavar(row), show_default=False)
    kind: Any = Annotated[bool | None, option] if is_switch else Annotated[str | None, option]
    return inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _metavar(row: Row) -> str:
    """What the value is, in one word."""
    for mark, word in (("Address", "HOST:PORT"), ("Path", "PATH"), ("int", "N"), ("float", "SECONDS")):
        if mark in row.kind:
            return word
    return "URL[,URL]" if row.read is urls else "TEXT"


def _help(row: Row) -> str:
    """The table's words, with the default where there is one to speak of."""
    words = row.help[0].upper() + row.help[1:]
    default = "" if row.default_text in ("", "false") else f"default: {row.default_text}; "
    return f"{words} [{default}{row.environment}]"
