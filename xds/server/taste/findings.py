"""What Envoy says of a candidate, as findings in its documents. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from snapshots.authoring.places import Places, places_in
from snapshots.authoring.provenance.origins import Provenance
from snapshots.authoring.source import Mistake
from snapshots.authoring.yaml_nodes import Place
from snapshots.checks.checks import finding_of
from snapshots.checks.concern import Concern
from snapshots.codes import ENVOY_REFUSES
from snapshots.model import Document
from xds.server.taste.tasting import Tasted


def tasted_findings(api: EnvoyApi, tasted: Tasted, documents: Sequence[Document]) -> tuple[Finding, ...]:
    """Each at its line. What is of other workspaces is told at its document: their text is not here."""
    places = places_in(documents)
    here = {document.path for document in documents}
    meant = any(concern.generated is not None for concern in tasted.concerns)
    provenance = Provenance(api, documents) if meant else None
    placed = (
        _finding(concern, places, provenance) if concern.origin.path in here else finding_of(concern)
        for concern in tasted.concerns
    )
    unplaced = (Finding(ENVOY_REFUSES, f"Envoy does not take it: {words}") for words in tasted.unplaced)
    return (*placed, *unplaced)


def _finding(concern: Concern, places: Places, provenance: Provenance | None) -> Finding:
    """At the line that says what Envoy does not take: a patch's, or that of an object which others are made of."""
    about = concern.generated
    found = provenance and about and provenance.place_of(about.type_url, about.name, about.path)
    if not found or found.how in ("object", "default"):
        return places.finding(concern)
    place = Place(found.line, found.column)
    return places.finding_in(
        found.path, Mistake(concern.code, concern.message, place, concern.suggestion, found.field, found.object)
    )
