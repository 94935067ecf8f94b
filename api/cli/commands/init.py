"""`fairlead init`: a working example to begin with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.new_files import write_new_files
from api.cli.output import Format, show_document, write_lines
from api.cli.repository_layout import repository_files
from api.cli.shared import Invocation, invocation_of
from api.cli.starting import DEFAULT_BACKEND, Start, host_and_port, is_hostname, starting_files, workspace_name
from api.cli.terminal import can_ask, escape, prompt, say
from api.errors import InvalidConfig

EXAMPLES = (
    "fairlead init shop",
    "fairlead init shop --backend carts.internal:8080 --hostname shop.example.com --yes",
    "fairlead init shop --gitops --yes",
)
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made where it is missing.")]
Name = Annotated[str, typer.Option("--name", help="Of the workspace and its service; else the directory's.")]
Group = Annotated[str, typer.Option("--group", "-g", help="The gateways that are served it; else `edge`.")]
Address = Annotated[str, typer.Option("--address", metavar="IP", help="Where gateways listen; else 127.0.0.1.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The port they listen on; else 10080.")]
Backend = Annotated[
    str, typer.Option("--backend", metavar="HOST:PORT", help="Where the service is; else 127.0.0.1:9000.")
]
Hostname = Annotated[str, typer.Option("--hostname", metavar="HOST", help="Only requests for this host; else all.")]
GitOps = Annotated[
    bool, typer.Option("--gitops", help="A repository: staging, production, a workflow, settings for `gitops`.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take what is not given as it stands here.")]


def command(
    context: typer.Context,
    directory: Directory = Path(),
    name: Name = "",
    group: Group = "",
    address: Address = "",
    port: Port = None,
    backend: Backend = "",
    hostname: Hostname = "",
    gitops: GitOps = False,
    yes: Yes = False,
) -> None:
    """Write a working example: a gateway with a route to one service, and the schema that editors check it by.

    Asks for what is not given, on a terminal. Overwrites nothing: where one of its files is there already, it ends
    with 3 and has written none. With --gitops the example is there once for staging and once for production, whose
    gateways are of the groups edge-staging and edge-production.
    """
    invocation = invocation_of(context)
    default = Start(workspace_name(directory.absolute().name))
    asks = can_ask() and not yes
    chosen = Start(
        name=_choice("Name of the workspace and its service", name, default.name, _name, asks),
        group=_choice("Group of gateways", group, default.group, _name, asks),
        address=_choice("Address that gateways listen on", address, default.address, _address, asks),
        port=_choice("Port that they listen on", str(port or ""), str(default.port), _port, asks),
        backend=_choice("Where the service is (HOST:PORT)", backend, _joined(DEFAULT_BACKEND), host_and_port, asks),
        hostname=_choice("Only requests for this host (empty: all)", hostname, "", _hostname, asks),
    )
    files = repository_files(chosen) if gitops else starting_files(chosen)
    _show(write_new_files(directory, files), directory, invocation)
    if invocation.output not in (Format.JSON, Format.YAML):
        _say_what_next(directory, chosen, gitops)


def _joined(place: tuple[str, int]) -> str:
    return f"{place[0]}:{place[1]}"


def _choice(question: str, given: str, default: str, read: Callable[[str], Any], asks: bool) -> Any:
    """What was given, else what a person answers, else the default; asked again until it can be used."""
    if given or not asks:
        try:
            return read(given or default)
        except InvalidConfig as error:
            raise typer.BadParameter(error.message) from None
    while True:
        try:
            return read(prompt(f"{question} [{default}]" if default else question) or default)
        except InvalidConfig as error:
            say(f"  {escape(error.message)}")


def _name(text: str) -> str:
    from snapshots.authoring.names import name_problem

    if why := name_problem(text):
        raise InvalidConfig(f'the name "{escape(text)}" {why}')
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidConfig(f"{text!r} is not an IP address") from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise InvalidConfig(f"{text!r} is not a port: 1 to 65535")
    return int(text)


def _hostname(text: str) -> str:
    if text and not is_hostname(text):
        raise InvalidConfig(f"{text!r} is not a host name: lower-case labels with dots between, no scheme, no port")
    return text


def _show(paths: list[Path], directory: Path, invocation: Invocation) -> None:
    if invocation.output in (Format.JSON, Format.YAML):
        show_document({"directory": str(directory), "files": [str(path) for path in paths]}, invocation.output)
        return
    write_lines([escape(str(path)) for path in paths])


def _say_what_next(directory: Path, chosen: Start, gitops: bool) -> None:
    if gitops:
        where = escape(str(directory))
        say(f"\nCommit and push {where}, and say its URL in {escape(str(directory / 'gitops.toml'))}.")
        say(f"Look at it before:               fairlead validate {escape(str(directory / 'staging'))}")
        say("Follow it:                       fairlead gitops --config gitops.toml")
        return
    host = f"[{chosen.address}]" if ":" in chosen.address else chosen.address
    where = escape(str(directory))
    if chosen.backend == DEFAULT_BACKEND:
        say(f"\nNo service to try it with?       python3 -m http.server {chosen.backend[1]} --bind {chosen.backend[0]}")
    say(f"Serve it, and follow changes:    fairlead dev {where}")
    say(f"Start an Envoy beside it:        fairlead bootstrap envoy --group {chosen.group} > envoy.json")
    say("                                 envoy -c envoy.json")
    say(f"Ask it:                          curl http://{host}:{chosen.port}/")
