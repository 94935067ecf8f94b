"""`fairlead render`: documents as the resources they come to, offline; or what a node is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.local import compiled, gather, shown_path
from api.cli.output import Column, Format, Listing, show_listing
from api.cli.shared import Invocation, invocation_of
from api.errors import InvalidConfig

if TYPE_CHECKING:
    from api.management.client import ManagementClient

EXAMPLES = (
    "fairlead render examples/first -o json",
    "fairlead render examples/first -o yaml",
    "fairlead render examples/shop --explain",
    "fairlead render --node edge-1",
)
COLUMNS = (Column("type"), Column("name"), Column("version"), Column("type url", wide=True))
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Directories, files, or - ; default: here.")]
Explain = Annotated[bool, typer.Option("--explain", help="Say of each value which line it comes from.")]
NodeName = Annotated[str, typer.Option("--node", metavar="NODE", help="Ask the server what this gateway is served.")]


def command(context: typer.Context, paths: Paths = None, node: NodeName = "", explain: Explain = False) -> None:
    """Print what would be served: every resource with its version and its body in Envoy's JSON form.

    With --explain, also the line of the documents that each value comes from, or that it is a default: as YAML with
    notes, or with -o json and yaml under "origins", by JSON Pointer into the body.
    With --node, what the server serves that gateway now; secrets are left out then.
    """
    if node and paths:
        raise typer.BadParameter("give documents or --node, not both", param_hint="--node")
    if node and explain:
        raise typer.BadParameter("it takes documents, which a node does not have", param_hint="--explain")
    invocation = invocation_of(context)
    if explain:
        _explain(invocation, paths or ["."])
        return
    resources = _of_node(invocation, node) if node else _of_documents(paths or ["."])
    show_listing(_listing(resources), invocation.output)


def _of_documents(paths: Sequence[str]) -> list[dict[str, Any]]:
    from api.envoy.json_form import to_json
    from api.envoy.registry import load_default

    compilation = compiled(gather(paths))
    if not compilation.ok:
        raise InvalidConfig("nothing is rendered until this is mended", findings=compilation.findings)
    api = load_default()
    resources = [item.resource for item in compilation.resources]
    return [
        _document(
            each.type_url, each.name, each.version, to_json(api, api.parse(each.type_url, each.body)), each.ttl_ms
        )
        for each in resources
    ]


def _explain(invocation: Invocation, paths: Sequence[str]) -> None:
    from api.cli.explained import with_origins
    from api.cli.resources import Bodies
    from api.envoy.registry import load_default
    from snapshots.authoring.provenance.origins import Provenance

    gathered = gather(paths)
    compilation = compiled(gathered)
    if not compilation.ok:
        raise InvalidConfig("nothing is rendered until this is mended", findings=compilation.findings)
    provenance, bodies = Provenance(load_default(), gathered.documents, compilation), Bodies()
    documents = [
        _document(each.type_url, each.name, each.version, bodies.body(each.type_url, each.body), each.ttl_ms)
        for each in (item.resource for item in compilation.resources)
    ]
    form = invocation.output
    found = with_origins(documents, lambda _: provenance, form, lambda path: shown_path(path, gathered.top))
    if form not in (Format.TABLE, Format.WIDE):
        show_listing(_listing(found), form)


def _of_node(invocation: Invocation, node: str) -> list[dict[str, Any]]:
    from api.cli.connect import ask
    from api.cli.messages import word
    from api.cli.resources import Bodies

    async def served(client: ManagementClient) -> list[Any]:
        states = [state async for state in client.get_node_configuration(node)]
        return [state.resource for state in states if word(state, "state") != "not_sent"]

    resources, bodies = ask(invocation, served), Bodies()
    return [
        _document(each.type_url, each.name, each.version, bodies.body(each.type_url, each.body), each.ttl_ms)
        for each in resources
    ]


def _document(type_url: str, name: str, version: str, body: dict[str, Any], ttl_ms: int = 0) -> dict[str, Any]:
    from api.cli.resources import ttl_text

    ttl = {"ttl": ttl_text(ttl_ms)} if ttl_ms else {}
    return {"type_url": type_url, "name": name, "version": version, **ttl, "body": body}


def _listing(resources: Sequence[dict[str, Any]]) -> Listing:
    from xds.protocol.types import name_of, short_type

    rows = tuple((short_type(each["type_url"]), each["name"], each["version"], each["type_url"]) for each in resources)
    names = tuple(name_of(each["type_url"], each["name"]) for each in resources)
    return Listing(COLUMNS, rows, names, {"resources": list(resources)}, "no resources")
