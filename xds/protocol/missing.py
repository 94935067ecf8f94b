"""What a client is told of names it asked for that do not exist: one error each, once (rule 15).  Names only.

A client of the state of the world would otherwise wait for 15 s; in the incremental variant the name is also removed.
Clients that do not know the field ignore it, so no feature of the client is asked for.  xRFC TP3, "Protocol behavior".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xds.protocol.plan import ResourceError
from xds.protocol.resource import Resource
from xds.protocol.served import ServedType
from xds.protocol.splitting import absent_size_bytes, resource_size_bytes
from xds.protocol.subscription import Subscription

NOT_FOUND = 5  # google.rpc.Code


@dataclass(frozen=True, slots=True)
class Missing:
    """Sorted `names`, and the words for each of them; no words when there are no names."""

    names: tuple[str, ...] = ()
    because: str = ""

    @classmethod
    def asked_for(cls, subscription: Subscription, served: ServedType) -> Missing:
        """Of the names that the client has just subscribed to; not of those that it let go of."""
        asked = subscription.asked & subscription.interest.names
        names = tuple(sorted(name for name in asked if name not in served.resources))  # not all of those are looked at
        return cls(names, f"group {served.group!r} has no {subscription.type.short} of this name") if names else cls()

    def among(self, names: Iterable[str]) -> tuple[ResourceError, ...]:
        """The errors for those of `names` that are missing."""
        if not self.names:
            return ()
        missing = set(self.names)
        return tuple(ResourceError(name, NOT_FOUND, self.because) for name in names if name in missing)

    def beside(self, resources: tuple[Resource, ...], limit_bytes: int) -> tuple[ResourceError, ...]:
        """The errors that fit beside a full state, which cannot be split; the state itself says it of the rest."""
        if not self.names:
            return ()
        told = {resource.name for resource in resources}
        room = limit_bytes - sum(map(resource_size_bytes, resources))
        fitting = []
        for name in self.names:
            room -= absent_size_bytes(name, self.because)
            if room < 0:
                break
            fitting.append(name)
        return self.among(name for name in fitting if name not in told)


NOTHING_MISSING = Missing()
