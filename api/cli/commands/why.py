"""`fairlead why`: why a resource is served, or is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.explanations import Explained, explain, explanation_document, explanation_lines
from api.cli.groups import GroupOption, chosen_group
from api.cli.output import Format, Listing, show_listing, write_lines
from api.cli.shared import invocation_of
from api.cli.terminal import Paint
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.client import ManagementClient

EXAMPLES = ("fairlead why web", "fairlead why cluster/blue --group edge -o json")
Name = Annotated[str, typer.Argument(metavar="RESOURCE", help="A name, TYPE/NAME (cluster/web), or a document's name.")]


def command(context: typer.Context, resource: Name, group: GroupOption = "") -> None:
    """Say who has a resource and who rejected it, in Envoy's words, with the file and line and the way back."""
    invocation = invocation_of(context)

    async def explained(client: ManagementClient) -> list[Explained]:
        return await explain(client, await chosen_group(client, group), resource)

    found = ask(invocation, explained)
    if invocation.output in (Format.TABLE, Format.WIDE):
        paint = Paint(invocation.color, sys.stdout)
        for item in found:
            write_lines(explanation_lines(item, paint))
        return
    explanations = [item.explanation for item in found]
    names = tuple(name_of(item.resource.type_url, item.resource.name) for item in explanations)
    document = {"explanations": [explanation_document(item) for item in explanations]}
    show_listing(Listing((), (), names, document), invocation.output)
