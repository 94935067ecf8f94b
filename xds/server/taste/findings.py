"""What Envoy says of a candidate, as findings in its documents. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.errors import Finding
from snapshots.authoring.places import Places
from snapshots.checks.checks import finding_of
from snapshots.codes import ENVOY_REFUSES
from snapshots.model import Document
from xds.server.taste.tasting import Tasted


def tasted_findings(tasted: Tasted, documents: Sequence[Document]) -> tuple[Finding, ...]:
    """Each at its line. What is of other workspaces is told at its document: their text is not here."""
    places = Places(documents)
    here = {document.path for document in documents}
    placed = (
        places.finding(concern) if concern.origin.path in here else finding_of(concern) for concern in tasted.concerns
    )
    unplaced = (Finding(ENVOY_REFUSES, f"Envoy does not take it: {words}") for words in tasted.unplaced)
    return (*placed, *unplaced)
