"""What the edge tells whoever listens: telemetry, events, a console.  The edge does not know who they are.

`Observer` is the Protocol; `SilentObserver` does nothing and is a base to override what is of interest. Calls come on
the event loop and must return at once. A stream is told of from its first request on, when its node is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from snapshots.store.endpoint_sets import EndpointSet
from xds.protocol.plan import Close, Observation, Response
from xds.protocol.requests import Node
from xds.protocol.types import GroupName, TypeUrl


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One xDS stream. `variant` is "delta" or "sotw"; `only_type` is empty on ADS; `since_s` is Unix time."""

    id: int
    node: Node
    group: GroupName
    variant: str
    address: str
    only_type: TypeUrl | None
    since_s: float


@dataclass(frozen=True, slots=True)
class PollInfo:
    """One poll (REST, unary gRPC). `outcome`: "sent", "unchanged", or the status it was refused with, for `reason`."""

    address: str
    type_url: TypeUrl
    outcome: str
    node: str = ""
    group: str = ""
    reason: str = ""


class Observer(Protocol):
    """What happens at the edge, as it happens."""

    def stream_opened(self, stream: StreamInfo) -> None:
        """The first request has named the node."""

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        """A session saw a subscription, sent, was acknowledged or rejected."""

    def written(self, stream: StreamInfo, response: Response, size_bytes: int, encoded: bool) -> None:
        """A response left for the client; `encoded` is False when its bytes had been made for another stream."""

    def stream_closed(self, stream: StreamInfo, close: Close | None) -> None:
        """`close` None: the client ended it."""

    def stream_refused(self, address: str, close: Close) -> None:
        """A stream that never named a node was ended."""

    def stream_failed(self, address: str, error: Exception) -> None:
        """A defect of ours ended a stream or a poll; the client was told INTERNAL."""

    def polled(self, poll: PollInfo) -> None:
        """A client without a stream asked, and was answered or refused."""

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

    def certificates_loaded(self, address: str) -> None:
        """New certificates are in use for new connections."""

    def certificates_refused(self, address: str, reason: str) -> None:
        """The files changed but cannot be used; the old certificates stay in use."""


class SilentObserver:
    """Listens to nothing. Override what is of interest."""

    def stream_opened(self, stream: StreamInfo) -> None: ...
    def observed(self, stream: StreamInfo, observation: Observation) -> None: ...
    def written(self, stream: StreamInfo, response: Response, size_bytes: int, encoded: bool) -> None: ...
    def stream_closed(self, stream: StreamInfo, close: Close | None) -> None: ...
    def stream_refused(self, address: str, close: Close) -> None: ...
    def stream_failed(self, address: str, error: Exception) -> None: ...
    def polled(self, poll: PollInfo) -> None: ...
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
    def certificates_loaded(self, address: str) -> None: ...
    def certificates_refused(self, address: str, reason: str) -> None: ...
