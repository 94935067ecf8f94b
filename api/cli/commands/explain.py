"""`fairlead explain`: what a kind, a field, a message of Envoy's or an error code means."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.descriptions import description_lines, message_name
from api.cli.output import Column, Format, Listing, show_document, show_listing, write_lines
from api.cli.shared import invocation_of

if TYPE_CHECKING:
    from snapshots.authoring.kinds.describe import Described

EXAMPLES = (
    "fairlead explain HTTPRoute.spec.rules.timeouts",
    "fairlead explain Backend -o json",
    "fairlead explain envoy.config.cluster.v3.Cluster.connect_timeout",
    "fairlead explain E0203",
)
CODE = re.compile(r"[EW]\d{4}", re.IGNORECASE)
Subject = Annotated[
    str,
    typer.Argument(
        metavar="WHAT", help="KIND[.FIELD…], a message of Envoy's API, or an error code; without, the kinds."
    ),
]
KINDS = (Column("kind"), Column("apiVersion"), Column("what it is"))


def command(context: typer.Context, subject: Subject = "") -> None:
    """Say what a kind or a field is: its type, limits, default and meaning, and what may stand below it.

    Of an error code: what it means, why, and how to mend it. Needs no server and no network.
    """
    form = invocation_of(context).output
    if not subject:
        show_listing(_kinds(), form)
        return
    if CODE.fullmatch(subject):
        _explain_code(subject.upper(), form)
        return
    described = _described(subject)
    if form in (Format.JSON, Format.YAML):
        show_document(asdict(described), form)
    elif form is Format.NAME:
        write_lines(each.path for each in described.fields)
    else:
        write_lines(description_lines(described))


def _kinds() -> Listing:
    from snapshots.authoring.kinds.documents import KIND_NAMES, document_kind
    from snapshots.authoring.kinds.meanings import KINDS as MEANINGS

    kinds = [document_kind(name) for name in KIND_NAMES]
    rows = tuple((kind.name, kind.api_versions[0], MEANINGS[kind.name]) for kind in kinds)
    documents = [
        {"kind": kind.name, "api_versions": list(kind.api_versions), "meaning": MEANINGS[kind.name]} for kind in kinds
    ]
    return Listing(KINDS, rows, KIND_NAMES, {"kinds": documents})


def _described(path: str) -> Described:
    message = message_name(path)
    if message:
        from api.envoy.registry import load_default
        from snapshots.authoring.kinds.describe_envoy import describe_envoy

        return describe_envoy(load_default(), message)
    from snapshots.authoring.kinds.describe import describe

    return describe(path)


def _explain_code(code: str, form: Format) -> None:
    from snapshots.error_pages import error_page

    page = error_page(code)
    if form in (Format.JSON, Format.YAML):
        show_document(asdict(page), form)
    elif form is Format.NAME:
        write_lines([page.code])
    else:
        write_lines([page.text.rstrip("\n")])
