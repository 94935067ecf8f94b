"""An endpoint, and the changes that can be made to the endpoints of one cluster. No protobuf and no I/O here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

# Of what a change names, as many are said in words; the rest is counted.
_NAMED: Final = 3
_LONGEST_IP: Final = 45


class Health(Enum):
    """Whether an endpoint takes traffic. The numbers are Envoy's; what Envoy calls UNKNOWN it treats as healthy.

    DRAINING and UNHEALTHY get no new requests; DEGRADED only what the healthy cannot take.
    """

    HEALTHY = 1
    UNHEALTHY = 2
    DRAINING = 3
    DEGRADED = 5


class Place(NamedTuple):
    """Where an endpoint listens; one cluster has each place once. `address`: an IP, or what the configuration says."""

    address: str
    port: int

    def __str__(self) -> str:
        if not self.port:  # what is no socket address has none
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @classmethod
    def of(cls, address: str, port: int) -> Place:
        """The place with an IP in the one way in which it is compared, and anything else as it is."""
        return cls(_read_address(address)[2], port)

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Numbers sort as numbers: 10.0.0.9 before 10.0.0.10, and IPs before all else."""
        return (*_read_address(self.address), self.port)


def _read_address(address: str) -> tuple[int, int, str]:
    """The version of an IP, its number, and its one form; (7, 0, address) for what is no IP."""
    known = _read_ip(address) if len(address) <= _LONGEST_IP else None
    return known or (7, 0, address)


@lru_cache(maxsize=65536)
def _read_ip(address: str) -> tuple[int, int, str] | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return found.version, int(found), str(found)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as it is served."""

    place: Place
    weight: int = 1
    region: str = ""
    zone: str = ""
    sub_zone: str = ""
    priority: int = 0
    health: Health = Health.HEALTHY


@dataclass(frozen=True, slots=True)
class Wanted:
    """One endpoint as somebody wants it. None is "as it is"; of a new one, what `Endpoint` begins with."""

    place: Place
    weight: int | None = None
    region: str | None = None
    zone: str | None = None
    sub_zone: str | None = None
    priority: int | None = None
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """These endpoints and no others."""

    endpoints: tuple[Wanted, ...]

    def __str__(self) -> str:
        return f"set {_counted(len(self.endpoints))}"


@dataclass(frozen=True, slots=True)
class Upsert:
    """These are added, or changed in what is given of them."""

    endpoints: tuple[Wanted, ...]

    def __str__(self) -> str:
        return f"set {_listed(each.place for each in self.endpoints)}"


@dataclass(frozen=True, slots=True)
class Remove:
    """These are no longer endpoints. One that is none already is no mistake."""

    places: tuple[Place, ...]

    def __str__(self) -> str:
        return f"removed {_listed(self.places)}"


@dataclass(frozen=True, slots=True)
class SetHealth:
    """These stay endpoints, and this is their health."""

    places: tuple[Place, ...]
    health: Health

    def __str__(self) -> str:
        return f"{self.health.name.lower()}: {_listed(self.places)}"


@dataclass(frozen=True, slots=True)
class Clear:
    """What the configuration says of the endpoints counts again."""

    def __str__(self) -> str:
        return "cleared, the configuration counts again"


Change = Replace | Upsert | Remove | SetHealth | Clear


def _counted(count: int) -> str:
    return f"{count} endpoint" if count == 1 else f"{count} endpoints"


def _listed(places: Iterable[Place]) -> str:
    texts = [str(place) for place in places]
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
