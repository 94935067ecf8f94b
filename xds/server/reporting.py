"""What happens at the edge, told on: to metrics, logs, whoever watches events, and the traces of revisions.

One observer for the whole process. It runs on the event loop for every observation, so it counts first and makes
nothing that nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from api.management.events import Event, EventHub
from api.telemetry import logs, metrics
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.protocol import Revision
from xds.protocol import plan
from xds.protocol.types import BY_URL, GroupName, TypeUrl
from xds.server.delivery_traces import DeliveryTraces
from xds.server.observer import SilentServerObserver
from xds.transport.observer import PollInfo, StreamInfo

TOLD_SETS = 10


class Reporting(SilentServerObserver):
    """A ServerObserver. `heads` are the records of what is served; `now` gives Unix seconds."""

    def __init__(
        self, hub: EventHub, heads: Callable[[], Mapping[GroupName, Revision]], now: Callable[[], float] = time.time
    ) -> None:
        self._hub = hub
        self._heads = heads
        self._now = now
        self._traces = DeliveryTraces(now)
        self._log: Any = logs.logger("xds")

    def stream_opened(self, stream: StreamInfo) -> None:
        metrics.add(metrics.CONNECTS, variant=stream.variant)
        self._log.info("node connected", node=stream.node.id, group=stream.group, address=stream.address)
        self._tell(stream, "node-connected", message=f"{stream.variant} from {stream.address}")
        self._hub.moved(stream.group)

    def stream_closed(self, stream: StreamInfo, close: plan.Close | None) -> None:
        words = f"{close.status}: {close.message}" if close else ""
        self._traces.closed(stream.id)
        self._log.info("node disconnected", node=stream.node.id, group=stream.group, reason=words)
        self._tell(stream, "node-disconnected", message=words)
        self._hub.moved(stream.group)

    def stream_refused(self, address: str, close: plan.Close) -> None:
        metrics.add(metrics.REFUSED_STREAMS, status=close.status)
        self._log.warning("stream refused", address=address, status=close.status, reason=close.message)

    def stream_failed(self, address: str, error: Exception) -> None:
        metrics.add(metrics.REFUSED_STREAMS, status="INTERNAL")
        self._log.error("stream failed", address=address, exc_info=error)

    def polled(self, poll: PollInfo) -> None:
        short = short_type(poll.type_url)
        metrics.add(metrics.POLLS, type=short, outcome=poll.outcome)
        if poll.reason:
            self._log.warning("poll refused", address=poll.address, type=short, status=poll.outcome, reason=poll.reason)
        else:
            self._log.debug("poll", node=poll.node, group=poll.group, type=short, outcome=poll.outcome)

    def observed(self, stream: StreamInfo, observation: plan.Observation) -> None:
        match observation:
            case plan.Sent():
                self._traces.sent(stream, observation)
                if observation.apart:
                    metrics.add(metrics.ENDPOINT_PUSHES, group=stream.group)
            case plan.Acked():
                self._acknowledged(stream, observation)
            case plan.Rejected():
                self._rejected(stream, observation)
            case plan.Renewed():
                metrics.add(metrics.HEARTBEATS, observation.resources, type=short_type(observation.type_url))
            case plan.Stale():
                metrics.add(metrics.STALE, type=short_type(observation.type_url))
        self._hub.moved(stream.group)

    def written(self, stream: StreamInfo, response: plan.Response, size_bytes: int, encoded: bool) -> None:
        short = short_type(response.type_url)
        metrics.add(metrics.PUSHES, type=short)
        metrics.add(metrics.PUSHED_BYTES, size_bytes, type=short)
        metrics.add(metrics.PUSHED_RESOURCES, len(response.resources), type=short)
        if encoded:
            metrics.add(metrics.ENCODINGS, type=short)

    def group_moved(self, group: GroupName, revision: int, changed: int, streams: int) -> None:
        head = self._heads()[group]
        self._traces.begun(head)
        metrics.add(metrics.CHANGES, changed, group=group)
        metrics.observe(metrics.PROPAGATION, max(0.0, self._now() - head.created_at_s), group=group)
        with logs.bound(trace=self._traces.trace_id(group)):
            self._log.info("serving", group=group, revision=revision, changed=changed, streams=streams)
        words = f"{changed} resources changed, {head.author or 'somebody'}: {head.message}".rstrip(": ")
        self._hub.report(Event(self._now(), "revision-published", group, revision, message=words))

    def endpoints_moved(
        self, group: GroupName, sets: tuple[EndpointSet, ...], changed: tuple[str, ...], streams: int
    ) -> None:
        now_s = self._now()
        metrics.add(metrics.ENDPOINT_CHANGES, len(changed), group=group)
        for each in sets if changed else ():
            if each.name in changed and not each.cleared:
                metrics.observe(metrics.ENDPOINT_PROPAGATION, max(0.0, now_s - each.created_s), group=group)
        told = [f"{each.name} version {each.version}" for each in sets[:TOLD_SETS]]
        self._log.info("endpoint sets taken", group=group, sets=told, changed=len(changed), streams=streams)
        more = f" and {len(sets) - TOLD_SETS} more" if len(sets) > TOLD_SETS else ""
        words = f"{', '.join(told)}{more}, {sets[-1].author or 'somebody'}: {sets[-1].message}".rstrip(": ")
        self._hub.report(Event(now_s, "endpoints-changed", group, message=words))

    def endpoints_coalesced(self, group: GroupName) -> None:
        metrics.add(metrics.ENDPOINTS_COALESCED, group=group)

    def endpoint_sets_lost(self, reason: str) -> None:
        self._log.warning("endpoint sets cannot be followed; what is known stands", reason=reason)

    def group_failed(self, group: GroupName, revision: int, error: Exception) -> None:
        metrics.add(metrics.LOAD_FAILURES, group=group)
        self._log.error(
            "a revision cannot be loaded; what was served stays", group=group, revision=revision, error=str(error)
        )

    def store_lost(self, reason: str) -> None:
        self._log.warning("the store does not answer; what is loaded stays served", reason=reason)
        self._hub.report(Event(self._now(), "store-lost", message=reason))

    def store_back(self) -> None:
        self._log.info("the store answers again")
        self._hub.report(Event(self._now(), "store-back"))

    def nodes_reported(self, groups: Iterable[GroupName]) -> None:
        for group in groups:
            self._hub.moved(group)

    def certificates_loaded(self, address: str) -> None:
        metrics.add(metrics.CERTIFICATES, outcome="loaded")
        self._log.info("certificates loaded", address=address)

    def certificates_refused(self, address: str, reason: str) -> None:
        metrics.add(metrics.CERTIFICATES, outcome="refused")
        self._log.error("certificates refused; the old ones stay in use", address=address, reason=reason)

    def _acknowledged(self, stream: StreamInfo, acked: plan.Acked) -> None:
        short = short_type(acked.type_url)
        metrics.add(metrics.ACKS, type=short)
        waited_s = self._traces.answered(stream, acked)
        if waited_s is not None:
            metrics.observe(metrics.ACK_DURATION, waited_s, type=short)
        self._tell(stream, "node-acked", acked.revision, acked.type_url)

    def _rejected(self, stream: StreamInfo, rejected: plan.Rejected) -> None:
        metrics.add(metrics.REJECTIONS, type=short_type(rejected.type_url), group=stream.group)
        self._traces.answered(stream, rejected)
        with logs.bound(trace=self._traces.trace_id(stream.group)):
            self._log.warning(
                "node rejected the configuration",
                node=stream.node.id,
                group=stream.group,
                revision=rejected.revision,
                type=short_type(rejected.type_url),
                names=list(rejected.names[:10]),
                words=rejected.message[:500],
            )
        self._tell(stream, "node-rejected", rejected.revision, rejected.type_url, rejected.message[:500])

    def _tell(self, stream: StreamInfo, kind: str, revision: int = 0, type_url: str = "", message: str = "") -> None:
        if self._hub.is_watched:
            self._hub.report(Event(self._now(), kind, stream.group, revision, stream.node.id, type_url, message))


def short_type(type_url: TypeUrl) -> str:
    """A type's short name; "other" for types that clients make up, so that metrics stay bounded."""
    row = BY_URL.get(type_url)
    return row.short if row else "other"
