"""What a server tells beside its streams: groups that move, and the store behind them.

`ServerObserver` is the Protocol, all of the transport's in it; `SilentServerObserver` is a base to override what is of
interest. Calls come on the event loop and must return at once.
"""

from __future__ import annotations

from typing import Protocol

from snapshots.store.endpoint_sets import EndpointSet
from xds.protocol.types import GroupName
from xds.transport.observer import Observer, SilentObserver


class ServerObserver(Observer, Protocol):
    """What happens at the edge and behind it, as it happens."""

    def group_moved(self, group: GroupName, revision: int, changed: int, streams: int) -> None:
        """A group serves `revision` from now on: `changed` resources, and so many streams to tell."""

    def endpoints_moved(
        self, group: GroupName, sets: tuple[EndpointSet, ...], changed: tuple[str, ...], streams: int
    ) -> None:
        """These endpoint sets stand, or are cleared, from now on. `changed`: the names of those that count now and are
        served anew, without a new revision, to so many streams."""

    def endpoints_coalesced(self, group: GroupName) -> None:
        """A change of an endpoint set was overtaken by a newer one before it was served."""

    def endpoint_sets_lost(self, reason: str) -> None:
        """The endpoint sets cannot be followed now. What is known stands; it is tried again."""

    def group_failed(self, group: GroupName, revision: int, error: Exception) -> None:
        """A group's revision could not be loaded; it is tried again, and what was served stays served."""

    def store_lost(self, reason: str) -> None:
        """The store stopped answering. What is loaded stays served."""

    def store_back(self) -> None:
        """The store answers again."""

    def ready(self) -> None:
        """Every group that existed at the start is loaded."""


class SilentServerObserver(SilentObserver):
    """Listens to nothing. Override what is of interest."""

    def group_moved(self, group: GroupName, revision: int, changed: int, streams: int) -> None: ...
    def endpoints_moved(
        self, group: GroupName, sets: tuple[EndpointSet, ...], changed: tuple[str, ...], streams: int
    ) -> None: ...
    def endpoints_coalesced(self, group: GroupName) -> None: ...
    def endpoint_sets_lost(self, reason: str) -> None: ...
    def group_failed(self, group: GroupName, revision: int, error: Exception) -> None: ...
    def store_lost(self, reason: str) -> None: ...
    def store_back(self) -> None: ...
    def ready(self) -> None: ...
