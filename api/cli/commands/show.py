"""`fairlead show`: one revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.messages import local_time, plain
from api.cli.output import Column, Format, Listing, show_listing, write_lines
from api.cli.resources import Bodies, name_of
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import escape

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead show 41", "fairlead show 41 -o json", "fairlead show 41 -o name")
Number = Annotated[int, typer.Argument(metavar="REV", min=0, help="The revision; 0 is the newest.")]


def command(context: typer.Context, revision: Number, group: GroupOption = "") -> None:
    """Print one revision: its record and the documents it was compiled from, secrets left out.

    With -o json or yaml: its record and every resource it serves. With -o name: the resources' names.
    """
    invocation = invocation_of(context)
    if invocation.output in (Format.TABLE, Format.WIDE):
        _show_documents(invocation, group, revision)
    else:
        _show_resources(invocation, group, revision)


def _show_documents(invocation: Invocation, group: str, number: int) -> None:
    from api.cli.authored import shown_text
    from api.cli.sensitive import Redactor
    from api.envoy.registry import load_default

    async def read(client: ManagementClient) -> tuple[pb.Revision, list[pb.Document]]:
        record = await client.get_revision(await chosen_group(client, group), number)
        return record, [item async for item in client.get_documents(record.group, record.number)]

    record, documents = ask(invocation, read)
    redactor = Redactor(load_default())
    write_lines(_record_lines(record))
    for document in documents:
        write_lines(["---", f"# {escape(document.workspace)}: {escape(document.path)}"])
        write_lines([shown_text(document.content, redactor)])


def _record_lines(record: pb.Revision) -> Iterator[str]:
    yield f"# revision {record.number} of group {escape(record.group)}, {local_time(record.created)}"
    yield f"# by {escape(record.author) or 'unknown'}" + (f": {escape(record.message)}" if record.message else "")
    if record.rolled_back_to:
        yield f"# serves revision {record.rolled_back_to} again"
    yield f"# +{record.added} ~{record.changed} -{record.removed}, snapshot {record.snapshot}"


def _show_resources(invocation: Invocation, group: str, number: int) -> None:
    async def read(client: ManagementClient) -> tuple[pb.Revision, Sequence[pb.Resource]]:
        return await client.get_snapshot(await chosen_group(client, group), number)

    record, resources = ask(invocation, read)
    bodies = Bodies()
    document = {"revision": plain(record), "resources": [bodies.document(resource) for resource in resources]}
    names = tuple(name_of(resource.type_url, resource.name) for resource in resources)
    show_listing(Listing((Column("name"),), (), names, document), invocation.output)
