"""`fairlead gitops`: follows branches of git repositories and publishes what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.output import Format, show_document, write_lines
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import say
from api.errors import InvalidConfig

if TYPE_CHECKING:
    from agents.gitops.status import SourceStatus
    from api.management.client import ManagementClient

EXAMPLES = (
    "fairlead gitops https://git.example.com/shop/edge.git --path production --workspace shop",
    "fairlead gitops --config /etc/fairlead/gitops.toml",
    "fairlead gitops --config gitops.toml --once -o json",
)
# Whoever follows for months names the address in the file's place, so that a webhook finds it.
Url = Annotated[str | None, typer.Argument(metavar="[URL]", help="One repository to follow; or --config for several.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The sources, as one TOML file.")]
Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="The branch to follow.")]
Below = Annotated[str, typer.Option("--path", metavar="DIR", help="The directory in the repository that is followed.")]
Workspace = Annotated[
    str, typer.Option("--workspace", metavar="NAME", help="Whose documents these are; else what they say.")
]
Group = Annotated[
    str, typer.Option("--group", metavar="NAME", help="The gateways that serve them; else what they say.")
]
TokenFile = Annotated[str, typer.Option("--token-file", metavar="FILE", help="Holds a token for https.")]
Poll = Annotated[float, typer.Option("--poll", metavar="SECONDS", min=1.0, help="How often the repository is asked.")]
Http = Annotated[str, typer.Option("--http-address", metavar="HOST:PORT", help="/healthz, /status, webhooks.")]
Data = Annotated[Path, typer.Option("--data-dir", metavar="DIR", help="Where fetched commits are kept meanwhile.")]
Ready = Annotated[Path | None, typer.Option("--ready-file", metavar="PATH", help="Written when it runs, as JSON.")]
Level = Annotated[str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")]
Form = Annotated[str, typer.Option("--log-format", metavar="FORM", help="json or text.")]
Once = Annotated[bool, typer.Option("--once", help="Look at each source once, and end; exit 3 if one was refused.")]


def command(
    context: typer.Context,
    url: Url = None,
    config: Config = None,
    branch: Branch = "main",
    path: Below = "",
    workspace: Workspace = "",
    group: Group = "",
    token_file: TokenFile = "",
    poll_s: Poll = 30.0,
    http_address: Http = "127.0.0.1:18003",
    data_dir: Data = Path(".fairlead"),
    ready_file: Ready = None,
    log_level: Level = "info",
    log_format: Form = "json",
    once: Once = False,
) -> None:
    """Follow git repositories until SIGTERM: what is merged is checked and published, a bad commit never is."""
    from agents.gitops.process import GitOps
    from agents.gitops.settings import checked, read_sources
    from agents.gitops.sources import Remote, Source
    from api.hosting.address import Address

    if (url is None) == (config is None):
        raise typer.BadParameter("name one repository, or a file of sources with --config")
    if log_level not in LEVELS or log_format not in FORMS:
        raise typer.BadParameter(f"--log-level takes {', '.join(LEVELS)}; --log-format {' or '.join(FORMS)}")
    if config is not None:
        sources = read_sources(config)
    else:
        remote = Remote(url or "", token_file=token_file)
        name = "repository"
        one = Source(name, remote, branch, path=path.strip("/"), workspace=workspace, group=group, poll_s=poll_s)
        sources = checked([one], "the command line")
    whole = GitOps(sources, Address.parse(http_address), data_dir, ready_file, log_level, log_format)
    invocation = invocation_of(context)

    async def converse(client: ManagementClient) -> tuple[SourceStatus, ...]:
        if once:
            return await whole.run_once(client)
        await whole.run(client, say)
        return ()

    _show(ask(invocation, converse), invocation)


LEVELS = ("debug", "info", "warning", "error")
FORMS = ("json", "text")


def _show(statuses: tuple[SourceStatus, ...], invocation: Invocation) -> None:
    """After --once: each source in a line, its findings below. Raises InvalidConfig when one was refused."""
    if not statuses:
        return
    if invocation.output in (Format.JSON, Format.YAML):
        show_document({"sources": [each.document() for each in statuses]}, invocation.output)
    else:
        write_lines([_line(each) for each in statuses])
    refused = [each for each in statuses if each.state == "refused"]
    if refused:
        findings = tuple(finding for each in refused for finding in each.findings)
        names = ", ".join(each.source.name for each in refused)
        raise InvalidConfig(f"refused: {names}; what was served before stays", findings=findings)


def _line(status: SourceStatus) -> str:
    at = f" {status.commit[:12]}" if status.commit else ""
    why = f": {status.why}" if status.why else ""
    return f"{status.source.name}{at} {status.state}, revision {status.revision}{why}"
