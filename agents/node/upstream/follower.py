"""What the link serves: it holds what upstream says, and says what to ask. Calls come on the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from xds.client.answers import Answer
from xds.protocol.requests import DeltaRequest


class Stream(Protocol):
    """The stream that is open, for the follower to speak on."""

    def send(self, requests: Sequence[DeltaRequest]) -> None:
        """Write these, in their order, after what was given before. Returns at once."""

    def reopen(self, because: str) -> None:
        """End it, and open another to the same upstream."""


class Follower(Protocol):
    """Whatever the stream is for."""

    async def wish(self) -> None:
        """Wait until there is something to ask for."""

    def connected(self, stream: Stream, upstream: str) -> None:
        """A stream is open; it gives its first requests to it."""

    def receive(self, answer: Answer) -> str:
        """Take an answer. Returns why the upstream is to be left for the next, or nothing."""

    def disconnected(self) -> None:
        """The stream is gone."""

    def upstream_is_well(self, is_well: bool) -> None:
        """Whether it says that it is ready. One that is not still tells what it has."""

    def away(self) -> None:
        """All upstreams have been tried since one answered last."""
