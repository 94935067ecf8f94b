"""The form of a generation's file. `packing` writes it, `unpacking` reads it.

```
fairlead generation 1 SHA-256 of everything after this line
{"number": 12, "node": …, "revision": …, …}        the header: all that a summary says
{"resources": [[type, name, version, …], …], …}    the index: what is in the bodies, in their order
sealed bytes                                       the resources that hold secrets, where there is a key
bodies                                             one after the other
```
Both lines are JSON, so that people can read them with `head`. A resource that holds secrets is in the index by its
name alone: its version would be a digest of the secret, for anybody to try words against. So is the digest of the
contents kept free of it, or keyed. The secrets of a file are sealed together, and not the whole of it: without the key
the rest can still be inspected, and served where nothing better is left.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Protocol

from xds.protocol.resource import Resource

FORMAT = 1
MAGIC = b"fairlead generation "
FIRST_LINE_LIMIT_BYTES = 128
HEADER_LIMIT_BYTES = 64 * 1024
SIZE_LIMIT_BYTES = 1024 * 1024 * 1024  # a file is read into memory, and no gateway's configuration comes near


class Label(NamedTuple):
    """Whose generation it is, and which."""

    number: int
    node: str
    group: str
    made_at_s: int


class Entry(NamedTuple):
    """What an index says of a resource, in this order."""

    type_url: str
    name: str
    version: str
    size_bytes: int
    ttl_ms: int
    on_demand: bool

    @classmethod
    def of(cls, resource: Resource) -> Entry:
        told = resource.type_url, resource.name, resource.version
        return cls(*told, len(resource.body), resource.ttl_ms, resource.on_demand)


class Vault(Protocol):
    """Seals secrets under a key."""

    @property
    def overhead_bytes(self) -> int:
        """By how much sealed data is longer."""
        ...

    def fingerprint(self, data: bytes) -> str:
        """Equal for equal data under the same key; tells nothing to those without the key."""
        ...

    def seal(self, data: bytes, header: bytes) -> bytes:
        """`data`, readable with the key and beside the same `header` only."""
        ...

    def open(self, sealed: bytes, header: bytes) -> bytes | None:
        """What was sealed; None when the key or the header is another."""
        ...


def json_line(value: Any) -> bytes:
    """The same bytes for the same value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"
