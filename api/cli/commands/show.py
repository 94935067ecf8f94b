"""`fairlead show`: one revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.messages import local_time, plain
from api.cli.output import Column, Format, Listing, show_listing, write_lines
from api.cli.resources import Bodies
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import escape
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead show 41", "fairlead show 41 --explain", "fairlead show 41 -o json", "fairlead show 41 -o name")
Explain = Annotated[bool, typer.Option("--explain", help="Show the resources, and where each value comes from.")]
Number = Annotated[int, typer.Argument(metavar="REV", min=0, help="The revision; 0 is the newest.")]


def command(context: typer.Context, revision: Number, group: GroupOption = "", explain: Explain = False) -> None:
    """Print one revision: its record and the documents it was compiled from, secrets left out.

    With -o json or yaml: its record and every resource it serves. With -o name: the resources' names.
    With --explain: the resources, and of each value the line of the documents that it comes from.
    """
    invocation = invocation_of(context)
    if invocation.output in (Format.TABLE, Format.WIDE) and not explain:
        _show_documents(invocation, group, revision)
    else:
        _show_resources(invocation, group, revision, explain=explain)


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


def _show_resources(invocation: Invocation, group: str, number: int, *, explain: bool) -> None:
    async def read(client: ManagementClient) -> tuple[pb.Revision, Sequence[pb.Resource], list[pb.Document]]:
        record, resources = await client.get_snapshot(await chosen_group(client, group), number)
        asked = client.get_documents(record.group, record.number) if explain else None
        return record, resources, [item async for item in asked] if asked is not None else []

    record, resources, documents = ask(invocation, read)
    bodies = Bodies()
    found = [bodies.document(resource) for resource in resources]
    if explain:
        found = _explained(found, documents, invocation.output)
        if invocation.output in (Format.TABLE, Format.WIDE):
            return
    document = {"revision": plain(record), "resources": found}
    names = tuple(name_of(resource.type_url, resource.name) for resource in resources)
    show_listing(Listing((Column("name"),), (), names, document), invocation.output)


def _explained(found: Sequence[dict[str, Any]], documents: Sequence[pb.Document], form: Format) -> list[dict[str, Any]]:
    """With origins: those of a workspace's resources are in its own documents."""
    from api.cli.explained import with_origins
    from api.envoy.registry import load_default
    from snapshots.authoring.provenance.origins import Provenance
    from snapshots.model import Document

    by_workspace: dict[str, list[Document]] = {}
    for each in documents:
        by_workspace.setdefault(each.workspace, []).append(Document(each.path, each.content))
    known = {name: Provenance(load_default(), files) for name, files in by_workspace.items()}
    return with_origins(found, lambda each: known.get(each["origin"]["workspace"]), form)
