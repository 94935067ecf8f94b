"""A listener bound to addresses, as all stages after `listeners` know it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.hostnames import EVERY_HOST
from snapshots.authoring.kinds.gateway import Listener
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path


@dataclass(frozen=True, slots=True, order=True)
class Bind:
    """A place that one Envoy listener binds."""

    address: str
    port: int
    transport: str  # "tcp" or "udp"

    @property
    def name(self) -> str:
        """`tcp/10.0.0.1:80`."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport}/{host}:{self.port}"


class ListenerId(NamedTuple):
    """Which listener: its owner (a Gateway or ListenerSet) and its name there."""

    owner: ObjectKey
    name: str


@dataclass(frozen=True, slots=True)
class ClientCheck:
    """Which certificates clients must show to an HTTPS listener.

    `authorities`: the xDS secret that holds whom to trust; empty if nobody can be. `optional`: those who show none, or
    one that cannot be trusted, are served all the same.
    """

    authorities: str
    optional: bool
    wrong: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundListener:
    """One listener of a Gateway that is ours. `addresses` are IPs.

    `problems` keep it from being served; `remarks` are wrong too, but leave something to serve. `kinds` are the route
    kinds that it takes, `certificates` the xDS secrets that it shows. `overlaps`: its TLS overlaps with another's.
    """

    gateway: AuthoredObject
    owner: AuthoredObject
    index: int
    listener: Listener
    addresses: tuple[str, ...]
    kinds: tuple[str, ...]
    problems: tuple[Complaint, ...] = ()
    remarks: tuple[Complaint, ...] = ()
    certificates: tuple[str, ...] = ()
    client_check: ClientCheck | None = None
    overlaps: bool = False
    id: ListenerId = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", ListenerId(self.owner.key, self.listener.name))

    @property
    def path(self) -> Path:
        return ("spec", "listeners", self.index)

    @property
    def usable(self) -> bool:
        return not self.problems

    @property
    def hostname(self) -> str:
        return self.listener.hostname or EVERY_HOST

    @property
    def terminates(self) -> bool:
        """Whether TLS ends here."""
        protocol, tls = self.listener.protocol, self.listener.tls
        return protocol == "HTTPS" or (protocol == "TLS" and tls is not None and tls.mode == "Terminate")

    @property
    def binds(self) -> tuple[Bind, ...]:
        transport = "udp" if self.listener.protocol == "UDP" else "tcp"
        return tuple(Bind(address, self.listener.port, transport) for address in self.addresses)
