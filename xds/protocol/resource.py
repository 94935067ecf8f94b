"""One xDS resource after compilation: a name, a content version and opaque bytes. No proto here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from xds.protocol.types import TypeUrl


class Reference(NamedTuple):
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
    `ttl_ms`: how long a client may keep it without hearing of it; 0: for ever. It is a part of the version, because
    clients are told of it.
    """

    type_url: TypeUrl
    name: str
    version: str
    body: bytes
    references: tuple[Reference, ...] = ()
    aliases: tuple[str, ...] = ()
    on_demand: bool = False
    ttl_ms: int = 0

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
        ttl_ms: int = 0,
    ) -> Resource:
        return cls(type_url, name, content_version(body, ttl_ms), body, references, aliases, on_demand, ttl_ms)

    def without_body(self) -> Resource:
        """What a heartbeat says of it: that this version goes on."""
        return Resource(self.type_url, self.name, self.version, b"", ttl_ms=self.ttl_ms)


def content_version(body: bytes, ttl_ms: int = 0) -> str:
    """16 hex digits of the SHA-256 of the body, and of the time to live where there is one."""
    lives = b"\0ttl %d" % ttl_ms if ttl_ms else b""
    return hashlib.sha256(body + lives).hexdigest()[:16]
