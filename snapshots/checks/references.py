"""A reference to something that is not among the resources: a warning, never an error. Pure.

It may be there all the same: in another workspace of the group, or in Envoy's own bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.envoy.problem import did_you_mean
from snapshots.checks.concern import Concern, kind_of
from snapshots.codes import REFERENCE_DANGLING
from snapshots.model import CompiledResource
from xds.protocol.types import ENDPOINT, TypeUrl

_ELSEWHERE = "define it, unless another workspace or Envoy's bootstrap does"
_ENDPOINTS = "define it, unless another workspace does, or `fairlead endpoints set` is to"
# Comparing a name with all others costs. After this many comparisons nobody reads suggestions any more.
_COMPARISONS_LIMIT = 20_000


def dangling_references(resources: Sequence[CompiledResource]) -> Iterator[Concern]:
    """One concern for each name that a resource needs and nobody defines."""
    defined: dict[TypeUrl, set[str]] = {}
    comparisons = 0
    for each in resources:
        defined.setdefault(each.resource.type_url, set()).add(each.resource.name)
    for each in resources:
        if not each.resource.references:  # as most: say nothing quickly
            continue
        for reference in dict.fromkeys(each.resource.references):
            names = defined.get(reference.type_url, set())
            if reference.name in names:
                continue
            text = f'{kind_of(reference.type_url)} "{reference.name}" is not defined here'
            comparisons += len(names)
            near = did_you_mean(reference.name, sorted(names)) if comparisons <= _COMPARISONS_LIMIT else ""
            elsewhere = _ENDPOINTS if reference.type_url == ENDPOINT else _ELSEWHERE
            yield Concern(REFERENCE_DANGLING, text, each.origin, near or elsewhere, "warning", mentions=reference.name)
