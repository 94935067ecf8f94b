"""No two resources of one type with one name: only one of them could be served. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.envoy.resources import NAME_FIELDS
from snapshots.checks.concern import Concern, kind_of
from snapshots.codes import DOCUMENT_TWICE, RESOURCE_TWICE
from snapshots.model import CompiledResource, Origin


def duplicates(resources: Sequence[CompiledResource]) -> Iterator[Concern]:
    """One concern for each resource whose document, or else whose (type, name), was there before it."""
    documents: dict[tuple[str, str], Origin] = {}
    names: dict[tuple[str, str], Origin] = {}
    for each in resources:
        origin, resource = each.origin, each.resource
        first = documents.setdefault((origin.kind, origin.name), origin)
        if first is not origin:
            text = f"{origin.kind} {origin.name} is already in {_place(first)}"
            yield Concern(DOCUMENT_TWICE, text, origin, "rename one of the two, or remove it", at=("metadata", "name"))
            continue  # a document that is there twice has its resource there twice: said once
        first = names.setdefault((resource.type_url, resource.name), origin)
        if first is not origin:
            text = f'{kind_of(resource.type_url)} "{resource.name}" is already in {_place(first)}'
            at = ("spec", NAME_FIELDS[resource.type_url])
            yield Concern(RESOURCE_TWICE, text, origin, "rename one of the two, or remove it", at=at)


def _place(origin: Origin) -> str:
    return f"{origin.path}:{origin.line}"
