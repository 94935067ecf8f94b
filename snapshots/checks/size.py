"""How large one resource may be. Envoy and gRPC take more; what must go to a whole fleet should not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snapshots.checks.concern import Concern, kind_of
from snapshots.codes import RESOURCE_TOO_LARGE
from snapshots.model import CompiledResource

RESOURCE_LIMIT_BYTES = 1024 * 1024


def oversized(resources: Sequence[CompiledResource]) -> Iterator[Concern]:
    """One concern for each resource whose body is over the limit."""
    for each in resources:
        size = len(each.resource.body)
        if size > RESOURCE_LIMIT_BYTES:
            kind, limit = kind_of(each.resource.type_url), f"{RESOURCE_LIMIT_BYTES // 1024} KiB"
            text = f'{kind} "{each.resource.name}" has {size:,} bytes; a resource may have {limit}'
            yield Concern(
                RESOURCE_TOO_LARGE, text, each.origin, "split it: virtual hosts or endpoints in several resources"
            )
