"""What a session decided, as data: responses to write, observations to report. The edge drives it; tests read it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from xds.protocol.resource import Resource
from xds.protocol.types import Nonce, TypeUrl


@dataclass(frozen=True, slots=True)
class ResourceError:
    """Why a subscribed name is not served: a google.rpc.Status of one resource.  xRFC TP3, "Error propagation"."""

    name: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Response:
    """One xDS response. `version` is the version of the type as a whole (`version_info`, `system_version_info`).

    `share_key`: responses with equal keys have equal bytes apart from the nonce, so they are encoded once.
    `removed` is for the incremental variant only; `errors` are told once, for names just subscribed to.
    `aliases`, incremental too: of some of the resources, the other names that this client knows them by; `unresolved`
    are names that it asked for and that stand for nothing, each told as a resource without a body.
    `tells_ttl`: the client takes times to live, and some resource may have one; one without a body is a heartbeat.
    """

    type_url: TypeUrl
    nonce: Nonce
    version: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]
    share_key: Hashable
    errors: tuple[ResourceError, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unresolved: tuple[str, ...] = ()
    tells_ttl: bool = False


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The client opened a type or changed what it wants of it. `names` is how many, `wildcard` whether everything."""

    type_url: TypeUrl
    wildcard: bool
    names: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A response was decided: it brings the type to `revision`.

    `apart`: it had that, and is brought endpoints that changed apart from the configuration.
    `position`, here and below: where the catalogue stood. It orders what happens within one revision, in this process;
    two servers that saw the same stand elsewhere, so it is no part of being equal.
    """

    type_url: TypeUrl
    nonce: Nonce
    revision: int
    resources: int
    removed: int
    apart: bool = False
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Renewed:
    """Heartbeats were decided: the client may go on with what it holds for a time only. It is no push."""

    type_url: TypeUrl
    resources: int


@dataclass(frozen=True, slots=True)
class Acked:
    """A response was taken. `whole`: nothing that the client refused of this type before is still served."""

    type_url: TypeUrl
    nonce: Nonce
    revision: int
    whole: bool = True
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A NACK, in the client's words. `names` are the resources (and removals) of the response it refused."""

    type_url: TypeUrl
    nonce: Nonce
    revision: int
    code: int
    message: str
    names: tuple[str, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Stale:
    """A nonce that is not the last one of its type."""

    type_url: TypeUrl
    nonce: Nonce


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing is owed on this type and nothing is awaited: the client has it as of `revision`."""

    type_url: TypeUrl
    revision: int
    position: int = field(default=0, compare=False)


Observation = Subscribed | Sent | Renewed | Acked | Rejected | Stale | Settled


@dataclass(frozen=True, slots=True)
class Close:
    """End the stream: a gRPC status name and a message that helps the person who debugs that client."""

    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `wake_at_s`: call `advance` at that time even if nothing happens (a bound on waiting)."""

    responses: tuple[Response, ...] = ()
    observations: tuple[Observation, ...] = ()
    wake_at_s: float | None = None
    close: Close | None = None
