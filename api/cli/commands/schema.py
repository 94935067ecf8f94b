"""`fairlead schema`: JSON Schema of documents, for editors."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.descriptions import message_name
from api.cli.output import Format, show_document, write_lines
from api.cli.shared import invocation_of

EXAMPLES = (
    "fairlead schema > .fairlead.schema.json",
    "fairlead schema HTTPRoute",
    "fairlead schema envoy.config.cluster.v3.Cluster",
)
Subject = Annotated[
    str, typer.Argument(metavar="KIND", help="One kind, or a message of Envoy's API; without, all kinds in one schema.")
]


def command(context: typer.Context, kind: Subject = "") -> None:
    """Print the JSON Schema (2020-12) of documents: of all kinds, picked by `kind`, or of one.

    Editors with a YAML language server use it where a file begins with
    `# yaml-language-server: $schema=PATH`, as the files of `fairlead init` do.

    With -o name: the kinds there are.
    """
    form = invocation_of(context).output
    if form is Format.NAME:
        from snapshots.authoring.kinds.documents import KIND_NAMES

        write_lines(KIND_NAMES)
        return
    show_document(_schema(kind), Format.YAML if form is Format.YAML else Format.JSON)


def _schema(kind: str) -> dict[str, Any]:
    from api.envoy.registry import load_default
    from snapshots.authoring.kinds.describe import kind_name
    from snapshots.authoring.kinds.editor_schema import documents_schema, kind_schema
    from snapshots.authoring.kinds.envoy_schema import message_schema

    api, message = load_default(), message_name(kind)
    if not kind:
        return documents_schema(api)
    return message_schema(api, message) if message else kind_schema(api, kind_name(kind))
