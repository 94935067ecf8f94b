"""`fairlead context list|use|set|remove|show`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from api.cli.contexts import Contexts, Target, choose_target, contexts_path, read_contexts, write_contexts
from api.cli.output import Column, Format, Listing, show_document, show_listing, write_lines
from api.cli.shared import Server, invocation_of
from api.cli.terminal import escape, say

EXAMPLES = (
    "fairlead context set production --server fairlead.example.net:18001 --ca ca.pem",
    "fairlead context use production",
    "fairlead context list",
)
COLUMNS = (Column("current"), Column("name"), Column("server"), Column("ca", wide=True), Column("cert", wide=True))

Name = Annotated[str, typer.Argument(metavar="NAME", help="The context's name.")]
File = typer.Option(metavar="FILE", help="A PEM file.")


def list_contexts(context: typer.Context) -> None:
    """List all contexts; * marks the current one."""
    contexts = read_contexts()
    rows = tuple(
        ("*" if name == contexts.current else "", name, target.server, target.ca, target.cert)
        for name, target in sorted(contexts.targets.items())
    )
    document = {
        "current": contexts.current,
        "contexts": [_document(contexts, name) for name in sorted(contexts.targets)],
    }
    empty = f"no contexts in {contexts_path()}; `fairlead context set NAME --server HOST:PORT` makes one"
    show_listing(Listing(COLUMNS, rows, tuple(row[1] for row in rows), document, empty), invocation_of(context).output)


def use(context: typer.Context, name: Name) -> None:
    """Make a context the current one."""
    contexts = read_contexts()
    contexts.get(name)
    write_contexts(replace(contexts, current=name))
    say(f"commands now speak to {escape(contexts.targets[name].server)} ({name})")


def set_context(
    context: typer.Context,
    name: Name,
    server: Server = None,
    ca: Annotated[str | None, File] = None,
    cert: Annotated[str | None, File] = None,
    key: Annotated[str | None, File] = None,
) -> None:
    """Make a context, or change what is given of it. An empty text takes a file away."""
    contexts = read_contexts()
    before = contexts.targets.get(name)
    if before is None and not server:
        raise typer.BadParameter("a new context needs a server", param_hint="--server")
    files = {option: _absolute(path) for option, path in (("ca", ca), ("cert", cert), ("key", key)) if path is not None}
    target = replace(before or Target(server or ""), **({"server": server} if server else {}), **files)
    changed = contexts.with_target(name, target)
    write_contexts(changed)
    say(f"context {name} is in {contexts_path()}" + (" and is the current one" if changed.current == name else ""))


def remove(context: typer.Context, name: Name) -> None:
    """Forget a context. Its files and its server stay as they are."""
    write_contexts(read_contexts().without(name))
    say(f"context {name} is forgotten")


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Default: what is used now.")] = "",
) -> None:
    """Show a context, or the server that commands speak to now."""
    target = read_contexts().get(name) if name else choose_target("", "")
    form = invocation_of(context).output
    if form in (Format.JSON, Format.YAML):
        show_document(asdict(target), form)
    else:
        write_lines(f"{key}: {escape(value)}" for key, value in asdict(target).items() if value)


def build() -> typer.Typer:
    """The command and its subcommands."""
    from api.cli.application import subcommands

    return subcommands(
        "context",
        "Name servers, and choose one.",
        EXAMPLES,
        {"list": list_contexts, "use": use, "set": set_context, "remove": remove, "show": show},
    )


def _document(contexts: Contexts, name: str) -> dict[str, object]:
    return {"name": name, "current": name == contexts.current, **asdict(contexts.targets[name])}


def _absolute(path: str) -> str:
    # The command runs in any directory later.
    return str(Path(path).expanduser().absolute()) if path else ""
