"""What the management service stands on, handed to it by the composition root. No I/O here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from api.management.events import EventHub
from snapshots.store.endpoint_sets import Store
from snapshots.store.protocol import Revision, StoreStatus
from xds.fleet import Fleet, Loads
from xds.protocol.types import GroupName


@dataclass(frozen=True, slots=True)
class Addresses:
    """host:port as really bound."""

    xds: str = ""
    management: str = ""
    http: str = ""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself. `not_ready` gives the reason, or nothing when it is ready.

    `served` gives the head of each group as this server serves it, which is known while the store is away.
    `absent_store` is what can be said of the store when it does not even say that it is down. `leaving`: it sends its
    gateways elsewhere, so that their going says nothing.
    """

    version: str
    started_s: float
    addresses: Callable[[], Addresses]
    not_ready: Callable[[], str]
    served: Callable[[], Mapping[GroupName, Revision]]
    absent_store: StoreStatus
    leaving: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Backend:
    """The store, Envoy's API, this server's fleet and its load, and who wants to hear of it; `now` is Unix time."""

    store: Store
    envoy: EnvoyApi
    fleet: Fleet
    hub: EventHub
    facts: ServerFacts
    loads: Loads
    now: Callable[[], float] = time.time
