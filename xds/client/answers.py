"""What an upstream says, as the edge decoded it, and what the mirror makes of it: data that others pass on."""

from __future__ import annotations

from dataclasses import dataclass

from xds.protocol.catalogue import Change
from xds.protocol.knowledge import Learned
from xds.protocol.requests import DeltaRequest, ErrorDetail
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl


@dataclass(frozen=True, slots=True)
class Answer:
    """envoy.service.discovery.v3.DeltaDiscoveryResponse, without protobuf.

    `revision`, `version`, `whole`, `complete`, `is_old`, `has_more`: of `system_version_info` (`telling`). The edge
    fills the references and the aliases of each resource from its body. A resource with a time to live and no body is
    a heartbeat.
    `aliases`: of some resources, the names that were asked for and that they are told for. `unresolved`: names told as
    a resource without body, version and time to live: they stand for nothing.
    """

    type_url: TypeUrl
    nonce: str
    version: str = ""
    revision: int | None = None
    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    whole: bool | None = None
    complete: int | None = None
    is_old: bool = False
    has_more: bool = False

    @property
    def vouched(self) -> int:
        """Nothing that upstream has is older than this revision; 0 when it tells none."""
        return (self.revision or 0) if self.complete is None else self.complete


@dataclass(frozen=True, slots=True)
class Received:
    """An answer that was taken: hand `changes` and `learned` to `Catalogue.change(revision, ...)`, then settle it.

    `brought`: (name, version) of what the client of the mirror has to accept before the answer is; it may have done so
    before. `gone`: names that go. `refused`: it refused just this on an earlier stream, in these words. `renewed`:
    names of what lives for a time only and goes on, for `Catalogue.renew`.
    """

    type_url: TypeUrl
    nonce: str
    revision: int
    changes: tuple[Change, ...] = ()
    learned: tuple[Learned, ...] = ()
    brought: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()
    refused: ErrorDetail | None = None
    renewed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that nobody may take; nothing changed. `request` is its NACK."""

    type_url: TypeUrl
    request: DeltaRequest
    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Abandon:
    """The upstream is behind what was taken before: close the stream and try the next one. `because`: for people."""

    because: str


Outcome = Received | Refused | Abandon


@dataclass(frozen=True, slots=True)
class Asked:
    """What a change of the local wish leads to: requests to send, and what is followed no more and so forgotten.

    Hand `changes` and `learned` to `Catalogue.change` at the revision that it has. `ends_stream`: everything is asked
    for again that was asked for before on this stream, and nobody can tell what is on its way for which; open another.
    """

    requests: tuple[DeltaRequest, ...] = ()
    changes: tuple[Change, ...] = ()
    learned: tuple[Learned, ...] = ()
    ends_stream: bool = False
