"""Who else is served what upstream says, beside the local clients: the agents below a relay, or nobody."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from agents.node.generations.generation import Contents
from xds.client.answers import Asked, Received


class Beside(Protocol):
    """Told of all that comes from upstream, as it comes. Calls come on the event loop and return at once.

    `relays`: who takes its configuration by way of this agent, itself included; none where it is no relay.
    """

    @property
    def relays(self) -> Collection[str]: ...

    def seed(self, kept: Contents) -> None:
        """What is on the disk."""

    def reached(self) -> None:
        """Upstream can be reached; it is asked as soon as anybody wants anything."""

    def connected(self) -> None:
        """A stream to upstream is open, and asked on."""

    def disconnected(self) -> None:
        """It is gone."""

    def upstream_is_well(self, is_well: bool) -> None:
        """Whether upstream says that it is ready."""

    def upstream_is_old(self) -> None:
        """Upstream says that others may know better: it has lost its own."""

    def away(self) -> None:
        """Nobody answers."""

    def take(self, received: Received) -> None:
        """Upstream has spoken."""

    def carry_out(self, asked: Asked) -> None:
        """Something is followed no more, or anew."""


class Nobody:
    """Of an agent that is no relay."""

    relays: Collection[str] = ()

    def seed(self, kept: Contents) -> None: ...
    def reached(self) -> None: ...
    def connected(self) -> None: ...
    def disconnected(self) -> None: ...
    def upstream_is_well(self, is_well: bool) -> None: ...
    def upstream_is_old(self) -> None: ...
    def away(self) -> None: ...
    def take(self, received: Received) -> None: ...
    def carry_out(self, asked: Asked) -> None: ...
