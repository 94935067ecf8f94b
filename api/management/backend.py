"""What the management service stands on, handed to it by the composition root. No I/O here."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from api.management.events import EventHub
from snapshots.checks.budgets import Budgets
from snapshots.model import CompiledResource, Document
from snapshots.store.endpoint_sets import Store
from snapshots.store.protocol import Revision, StoreStatus
from xds.fleet import Fleet, Loads
from xds.protocol.types import GroupName
from xds.transport.orders import OrderDesk

# What a real Envoy says of all that a group would be served, and of the documents of one upload: as findings in them.
Taste = Callable[[GroupName, Sequence[CompiledResource], Sequence[Document]], Awaitable[tuple[Finding, ...]]]


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
    """The store, Envoy's API, this server's fleet and its load, the way to its agents, who wants to hear of it, what a
    publication may come to, and who tastes it, if anybody does; `now` is Unix time."""

    store: Store
    envoy: EnvoyApi
    fleet: Fleet
    hub: EventHub
    facts: ServerFacts
    loads: Loads
    orders: OrderDesk
    budgets: Budgets = field(default_factory=Budgets)
    taste: Taste | None = None
    now: Callable[[], float] = time.time
