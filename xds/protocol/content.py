"""What one response carries, before it has a nonce. Equal contents have equal keys, so that they are encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass

from xds.protocol.plan import ResourceError
from xds.protocol.resource import Resource


@dataclass(frozen=True, slots=True)
class Content:
    """One response without its nonce. `fresh`: see Push; `aliases`, `unresolved`: see Response."""

    version: str
    resources: tuple[Resource, ...]
    fresh: tuple[Resource, ...]
    removed: tuple[str, ...]
    share_key: Hashable
    errors: tuple[ResourceError, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unresolved: tuple[str, ...] = ()


def fingerprint(
    resources: tuple[Resource, ...], removed: tuple[str, ...] = (), errors: tuple[ResourceError, ...] = ()
) -> bytes:
    """Equal for equal contents: short to compare, however many names. A name may hold any character, so sizes count."""
    told = "".join([f"{len(one.name)} {one.name}{len(one.version)} {one.version}" for one in resources])
    gone = "".join([f"{len(name)} {name}" for name in removed])
    failed = "".join([f"{len(error.name)} {error.name}" for error in errors])
    return hashlib.blake2b(f"{len(resources)} {told}{len(removed)} {gone}{failed}".encode(), digest_size=16).digest()
