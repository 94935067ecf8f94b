"""Responses of a bounded size: C-core clients take 4 MiB a message by default and cancel in silence (rule 31)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from xds.protocol.resource import Resource

RESPONSE_LIMIT_BYTES = 3_500_000  # under 4 MiB, with a margin for the envelope, trailers and control-plane identity
_RESOURCE_OVERHEAD_BYTES = 48  # tags and lengths of the wrapper, and a little
_ABSENT_OVERHEAD_BYTES = 8
_ERROR_OVERHEAD_BYTES = 24

Item = TypeVar("Item")
Piece = tuple[tuple[Resource, ...], tuple[str, ...]]


def resource_size_bytes(resource: Resource) -> int:
    """An upper bound of what one resource takes in a response."""
    texts = 4 * len(resource.name) + len(resource.version) + len(resource.type_url)
    return len(resource.body) + texts + _RESOURCE_OVERHEAD_BYTES


def split(
    resources: tuple[Resource, ...], absent: tuple[str, ...], limit_bytes: int, because: str = ""
) -> tuple[Piece, ...]:
    """Pieces of at most `limit_bytes`, in order; at least one, even when there is nothing to say.

    `absent`: names told as removed or as errors, each with the words in `because` if there are any.
    A single resource above the limit goes alone: only the client knows whether it takes it.
    """
    sizes = [resource_size_bytes(resource) for resource in resources]
    absent_sizes = [absent_size_bytes(name, because) for name in absent]
    if sum(sizes) + sum(absent_sizes) <= limit_bytes or len(sizes) + len(absent_sizes) <= 1:
        return ((resources, absent),)
    told = tuple((group, ()) for group in _grouped(resources, sizes, limit_bytes))
    return (*told, *(((), group) for group in _grouped(absent, absent_sizes, limit_bytes)))


def absent_size_bytes(name: str, because: str) -> int:
    """An upper bound of what one absent name takes: as a removal, and as an error when there are words for it."""
    named = 4 * len(name) + _ABSENT_OVERHEAD_BYTES
    return 2 * named + 4 * len(because) + _ERROR_OVERHEAD_BYTES if because else named


def _grouped(items: tuple[Item, ...], sizes: list[int], limit_bytes: int) -> Iterator[tuple[Item, ...]]:
    start = total = 0
    for index, size in enumerate(sizes):
        if total and total + size > limit_bytes:
            yield items[start:index]
            start, total = index, 0
        total += size
    if start < len(items):
        yield items[start:]
