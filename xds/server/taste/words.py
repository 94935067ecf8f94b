"""Envoy's words -> which resources they are about. Pure.

Of clusters and listeners Envoy says all that are wrong at once, each by its name ("Error adding/updating cluster(s)
web: …, carts: …"). Of other types it stops at the first, and may not say of which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.management.explaining import says
from xds.protocol.types import TypeUrl

_LIST = re.compile(r"^Error adding/updating \w+\(s\) ")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Envoy says of one resource; `name` is empty where it does not say of which."""

    type_url: TypeUrl
    name: str
    words: str


def refusals(type_url: TypeUrl, names: Sequence[str], message: str) -> Iterator[Refusal]:
    """One for each resource that a NACK is about; `names` are those of the response that was refused."""
    message = message.strip()
    listed = _LIST.match(message)
    if listed:
        found = list(_listed(type_url, names, message[listed.end() :]))
        if found:
            yield from found
            return
    named = list(names) if len(names) == 1 else [name for name in names if says(message, name)]
    yield from (Refusal(type_url, name, message) for name in named or [""])


def _listed(type_url: TypeUrl, names: Sequence[str], text: str) -> Iterator[Refusal]:
    """`web: words, carts: words`, cut where a name of the response begins."""
    starts = sorted(start for name in set(names) for start in _starts(text, f"{name}: "))
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name = max((each for each in names if text.startswith(f"{each}: ", start)), key=len)
        words = text[start + len(name) + 2 : end]
        yield Refusal(type_url, name, (words.removesuffix(", ") if end < len(text) else words).strip())


def _starts(text: str, head: str) -> Iterator[int]:
    """Where an entry of the list begins so: at the beginning, or after a comma."""
    if text.startswith(head):
        yield 0
    at = text.find(f", {head}")
    while at >= 0:
        yield at + 2
        at = text.find(f", {head}", at + 1)
