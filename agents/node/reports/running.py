"""Envoy's config_dump -> what it really runs, and how that differs from what the agent holds. Pure.

Envoy is asked for names and versions only: of 1,000 clusters that is a third of the bytes, and none of the secrets.
Envoy API: envoy.admin.v3.ConfigDump, and `resource` and `mask` of /config_dump.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from api.nodes.report import RunningType
from xds.protocol.types import CLUSTER, EXTENSION, LISTENER, ROUTE, SECRET, TypeUrl

DIFFERS_TOLD: Final = 10
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Page:
    """One list of config_dump, and the type that it is of. `warming`: what is not in use yet."""

    type_url: TypeUrl
    resource: str
    mask: str
    warming: bool = False

    @property
    def path(self) -> str:
        return f"/config_dump?resource={self.resource}&mask={self.mask}"


PAGES: Final = (
    Page(CLUSTER, "dynamic_active_clusters", "version_info,cluster.name"),
    Page(CLUSTER, "dynamic_warming_clusters", "version_info,cluster.name", warming=True),
    Page(LISTENER, "dynamic_listeners", "name,active_state.version_info,warming_state.version_info"),
    Page(ROUTE, "dynamic_route_configs", "version_info,route_config.name"),
    Page(SECRET, "dynamic_active_secrets", "name,version_info"),
    Page(EXTENSION, "ecds_filters", "version_info,ecds_filter.name"),
)
NOTHING_THERE: Final = 404
"""What Envoy answers for a list of which it has nothing to say."""


class _Named(msgspec.Struct):
    name: str = ""


class _State(msgspec.Struct):
    version_info: str = ""


class _Entry(msgspec.Struct):
    name: str = ""
    version_info: str = ""
    cluster: _Named | None = None
    route_config: _Named | None = None
    ecds_filter: _Named | None = None
    active_state: _State | None = None
    warming_state: _State | None = None


class _Dump(msgspec.Struct):
    configs: list[_Entry] = msgspec.field(default_factory=list)


_DECODER: Final = msgspec.json.Decoder(_Dump)


@dataclass(frozen=True, slots=True)
class Found:
    """Versions in use by name, and how many are not in use yet."""

    versions: Mapping[str, str]
    warming: int = 0


def found_on(page: Page, body: bytes) -> Found:
    """Raises ValueError for what is no config_dump."""
    versions: dict[str, str] = {}
    warming = 0
    for entry in _DECODER.decode(body).configs:
        inner = entry.cluster or entry.route_config or entry.ecds_filter
        name = entry.name or (inner.name if inner else "")
        version = entry.active_state.version_info if entry.active_state else entry.version_info
        warming += page.warming or entry.warming_state is not None
        if version and not page.warming:
            versions[name] = version
    return Found(versions, warming)


def together(one: Found, other: Found) -> Found:
    return Found({**one.versions, **other.versions}, one.warming + other.warming)


def compared(type_url: TypeUrl, found: Found, held: Mapping[str, str] | None) -> RunningType:
    """`held`: the versions that Envoy should run, by name; None: nobody knows. What is equal is told once."""
    differs = [] if held is None else _differing(found.versions, held)
    return RunningType(
        type_url=type_url,
        resources=len(found.versions),
        digest=digest(found.versions.items()),
        held=len(held) if held and differs else None,
        held_digest=digest(held.items()) if held and differs else b"",
        differing=len(differs),
        differs=tuple(differs[:DIFFERS_TOLD]),
        warming=found.warming,
    )


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def digest(versions: Iterable[tuple[str, str]]) -> bytes:
    """Of names and versions: equal for equal sets of them."""
    summed = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, version in sorted(versions):
        summed.update(f"{len(name)} {name}\0{version}\n".encode())
    return summed.digest()
