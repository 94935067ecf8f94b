"""Resources with the line that each of their values comes from, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from api.cli.annotated import annotated_lines
from api.cli.output import Format, write_lines
from api.cli.terminal import escape
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from snapshots.authoring.provenance.origins import Provenance


def with_origins(
    documents: Sequence[dict[str, Any]],
    provenance_of: Callable[[dict[str, Any]], Provenance | None],
    form: Format,
    shown: Callable[[str], str] = str,
) -> list[dict[str, Any]]:
    """`documents` of resources with `origins`; for people they are printed one after the other, and none is left.

    `provenance_of` knows where the values of a resource come from, `shown` how paths of files are written here.
    """
    from snapshots.authoring.provenance.origins import origins_document

    left = []
    for each in documents:
        provenance = provenance_of(each)
        found = provenance.origins(each["type_url"], each["name"]) if provenance is not None else {}
        origins = {path: replace(one, path=shown(one.path)) for path, one in found.items()}
        if form in (Format.TABLE, Format.WIDE):
            write_lines(["---", f"# {escape(name_of(each['type_url'], each['name']))}"])
            write_lines(annotated_lines(each["body"], {path: str(one) for path, one in origins.items()}))
        else:
            left.append(each | {"origins": origins_document(origins)})
    return left
