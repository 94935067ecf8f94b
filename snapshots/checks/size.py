"""How large one resource may be. Envoy and gRPC take more; what must go to a whole fleet should not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snapshots.checks.concern import Concern, Order, kind_of
from snapshots.codes import RESOURCE_TOO_LARGE
from snapshots.model import CompiledResource
from xds.protocol.types import ROUTE, VIRTUAL_HOST, TypeUrl

RESOURCE_LIMIT_BYTES = 1024 * 1024
# The routes of one hostname cannot be cut. Less than what gRPC clients take by default, 4 MiB a message.
ROUTES_LIMIT_BYTES = 3 * 1024 * 1024
_HINTS = {
    ROUTE: "split it: its routes over more hostnames, or listeners on more ports",
    VIRTUAL_HOST: "split it: its routes over more hostnames",
}


def limit_bytes(type_url: TypeUrl) -> int:
    """Of the body of one resource of a type."""
    return ROUTES_LIMIT_BYTES if type_url in (ROUTE, VIRTUAL_HOST) else RESOURCE_LIMIT_BYTES


class Oversized:
    """One concern for each resource whose body is over the limit."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._found: dict[int, CompiledResource] = {}

    def change(self, gone: Iterable[CompiledResource], new: Iterable[CompiledResource]) -> None:
        for each in gone:
            self._found.pop(id(each), None)
        for each in new:
            if len(each.resource.body) > limit_bytes(each.resource.type_url):
                self._found[id(each)] = each

    def concerns(self) -> Iterator[Concern]:
        for each in sorted(self._found.values(), key=lambda each: (self._order(each.origin), each.resource.name)):
            yield _concern(each)


def _concern(each: CompiledResource) -> Concern:
    size, allowed = len(each.resource.body), limit_bytes(each.resource.type_url)
    kind, limit = kind_of(each.resource.type_url), f"{allowed // 1024} KiB"
    text = f'{kind} "{each.resource.name}" has {size:,} bytes; a resource may have {limit}'
    hint = _HINTS.get(each.resource.type_url, "split it: endpoints over more clusters, listeners over more ports")
    return Concern(RESOURCE_TOO_LARGE, text, each.origin, hint)
