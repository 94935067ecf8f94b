"""`fairlead export`: the documents of a revision as they were applied, to go on with somewhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.connect import ask
from api.cli.groups import GroupOption, chosen_group
from api.cli.new_files import write_new_files
from api.cli.output import Format, show_document, write_lines
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import escape, escape_lines, say
from api.errors import InvalidConfig, NotFound

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = (
    "fairlead export shop",
    "fairlead export shop --revision 41 --workspace shop --secrets write",
    "fairlead export --revision 41 > shop-41.yaml",
)
STANDARD_INPUT_PATH, STANDARD_INPUT_FILE = "<stdin>", "stdin.yaml"
OWNER_ONLY = 0o600
STANDARD_OUTPUT = "-"


class Secrets(StrEnum):
    """What is done with documents that hold secrets."""

    REFUSE = "refuse"
    MASK = "mask"
    WRITE = "write"


Directory = Annotated[
    str, typer.Argument(metavar="DIR", help="Where to write, made where it is missing; without, standard output.")
]
Revision = Annotated[int, typer.Option("--revision", metavar="N", min=0, help="The revision; else the newest.")]
Workspace = Annotated[str, typer.Option("--workspace", metavar="NAME", help="Only this workspace; else all.")]
SecretsOption = Annotated[
    Secrets, typer.Option("--secrets", help="Documents with secrets: refuse them, write fingerprints, or write them.")
]


def command(
    context: typer.Context,
    directory: Directory = STANDARD_OUTPUT,
    revision: Revision = 0,
    workspace: Workspace = "",
    group: GroupOption = "",
    secrets: SecretsOption = Secrets.REFUSE,
) -> None:
    """Write the documents of a revision, byte for byte as they were applied. Overwrites nothing.

    Each workspace goes to a directory of its own where there are several. Private keys and passwords are written only
    with `--secrets write`, and then to files that only their owner can read; `--secrets mask` puts a fingerprint in
    their place, and the file loses its comments. Else a document with secrets ends the command with 3.
    """
    invocation = invocation_of(context)

    async def read(client: ManagementClient) -> tuple[pb.Revision, list[pb.Document]]:
        record = await client.get_revision(await chosen_group(client, group), revision)
        documents = client.get_documents(record.group, record.number, workspace=workspace)
        return record, [document async for document in documents]

    record, documents = ask(invocation, read)
    if not documents:
        of = f" of workspace {escape(workspace)}" if workspace else ""
        raise NotFound(f"revision {record.number} of group {escape(record.group)} has no documents{of}")
    files = _files(documents, secrets)
    if directory == STANDARD_OUTPUT:
        _to_standard_output(record, documents, files, invocation)
    else:
        _to_directory(Path(directory), record, files, secrets, invocation)


def _files(documents: Sequence[pb.Document], secrets: Secrets) -> dict[str, bytes]:
    """What is written, by path. Raises InvalidConfig for secrets that nobody asked for, and for paths that lead out."""
    several = len({document.workspace for document in documents}) > 1
    paths = {_path(document, within_workspace=several): document.content for document in documents}
    if secrets is Secrets.WRITE:
        return paths
    from api.cli.authored import holds_secrets, shown_text
    from api.cli.sensitive import Redactor, fingerprints
    from api.envoy.registry import load_default

    redactor = Redactor(load_default(), fingerprints())
    found = [path for path, content in paths.items() if holds_secrets(content, redactor)]
    if found and secrets is Secrets.REFUSE:
        raise InvalidConfig(
            f"{', '.join(map(escape, found))} would hold secrets; nothing was written: "
            "say --secrets mask to leave them out, or --secrets write"
        )
    return paths | {path: f"{shown_text(paths[path], redactor)}\n".encode() for path in found}


def _path(document: pb.Document, *, within_workspace: bool) -> str:
    """Where a document goes, below the directory. Paths come from a server, which may be anybody's."""
    path = STANDARD_INPUT_FILE if document.path == STANDARD_INPUT_PATH else str(document.path)
    whole = f"{document.workspace}/{path}" if within_workspace else path
    parts = whole.split("/")
    if not whole.isprintable() or any(part in ("", ".", "..") for part in parts) or PurePosixPath(whole).is_absolute():
        raise InvalidConfig(f"the document {escape(whole)!r} would not be written below the directory")
    return whole


def _to_directory(
    directory: Path, record: pb.Revision, files: dict[str, bytes], secrets: Secrets, invocation: Invocation
) -> None:
    mode = OWNER_ONLY if secrets is Secrets.WRITE else 0o666
    from api.cli.messages import plain

    written = [str(path) for path in write_new_files(directory, files, mode)]
    if invocation.output in (Format.JSON, Format.YAML):
        show_document({"revision": plain(record), "files": written}, invocation.output)
        return
    write_lines(map(escape, written))
    say(f"revision {record.number} of group {escape(record.group)}, {len(written)} files")


def _to_standard_output(
    record: pb.Revision, documents: Sequence[pb.Document], files: dict[str, bytes], invocation: Invocation
) -> None:
    from api.cli.messages import plain

    if invocation.output in (Format.JSON, Format.YAML):
        workspaces = [document.workspace for document in documents]
        contents = [
            {"workspace": workspace, "path": path, "content": content.decode("utf-8", "backslashreplace")}
            for workspace, (path, content) in zip(workspaces, files.items(), strict=True)
        ]
        show_document({"revision": plain(record), "documents": contents}, invocation.output)
    elif invocation.output is Format.NAME:
        write_lines(map(escape, files))
    else:
        for path, content in files.items():
            _print_file(path, content.decode("utf-8", "backslashreplace").removeprefix("\ufeff"))


def _print_file(path: str, text: str) -> None:
    """One file behind a line that says which. Its bytes are its own, but for a terminal."""
    shown = escape_lines(text) if sys.stdout.isatty() else text
    sys.stdout.write(f"---\n# {escape(path)}\n{shown}{'' if shown.endswith(chr(10)) else chr(10)}")
    sys.stdout.flush()
