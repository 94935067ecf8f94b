"""One xDS resource after compilation: a name, a content version and opaque bytes. No proto here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from xds.protocol.types import TypeUrl


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource that another one needs before it can work: a listener its routes, a route its clusters.

    Two resources may refer to the same thing, and the thing may be absent (Envoy's own static clusters, say).
    """

    type_url: TypeUrl
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is stored and served. `body` is the serialised message itself, without its `Any` wrapper.

    `version` is a hash of the body: the same on every replica and after every restart (protocol.md, rule 8).
    `references` steer ordering, `aliases` are what else it is asked for by (see `aliases`); both are derived from the
    body and are no part of the version. `on_demand`: asking for everything does not bring it, naming it does.
    """

    type_url: TypeUrl
    name: str
    version: str
    body: bytes
    references: tuple[Reference, ...] = ()
    aliases: tuple[str, ...] = ()
    on_demand: bool = False

    @classmethod
    def of(
        cls,
        type_url: TypeUrl,
        name: str,
        body: bytes,
        references: tuple[Reference, ...] = (),
        *,
        aliases: tuple[str, ...] = (),
        on_demand: bool = False,
    ) -> Resource:
        return cls(type_url, name, content_version(body), body, references, aliases, on_demand)


def content_version(body: bytes) -> str:
    """16 hex digits of the SHA-256 of the body."""
    return hashlib.sha256(body).hexdigest()[:16]
