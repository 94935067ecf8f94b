"""Whether this server should get new clients."""

from __future__ import annotations

from dataclasses import dataclass

from xds.server.follow import Follower


@dataclass(slots=True)
class Readiness:
    """Asked by /readyz and by status. A server that is not ready goes on serving whoever is connected."""

    follower: Follower
    draining: bool = False

    def not_ready(self) -> str:
        """The reason; empty when ready."""
        if self.draining:
            return "this server is going away"
        if self.follower.not_ready_reason:
            return self.follower.not_ready_reason
        if self.follower.store_lost:
            return f"the store does not answer: {self.follower.store_lost}"
        return ""
