"""What the transport tells whoever listens: telemetry, events, a console.  It does not know who they are.

`Observer` is the Protocol; `SilentObserver` does nothing and is a base to override what is of interest. Calls come on
the event loop and must return at once. A stream is told of from its first request on, when its node is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

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

    def nodes_reported(self, groups: Iterable[GroupName]) -> None:
        """What an agent reported changed what nodes of these groups have, as far as is known."""

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
    def nodes_reported(self, groups: Iterable[GroupName]) -> None: ...
    def certificates_loaded(self, address: str) -> None: ...
    def certificates_refused(self, address: str, reason: str) -> None: ...
