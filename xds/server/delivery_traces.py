"""The last part of a trace: from a revision's record to the answer of each node, a span a push.

The parent is the author's own span, which the revision's record names. Without tracing, and for traces that the author
did not sample, only the time of a push is kept, for the metric. A revision's spans are capped: ten thousand nodes
that answer make a thousand spans, which is enough to see where the time went.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.telemetry import tracing
from snapshots.store.protocol import Revision
from xds.protocol import plan
from xds.protocol.types import GroupName, TypeUrl
from xds.transport.observer import StreamInfo

SPANS_PER_REVISION = 1000


@dataclass(slots=True)
class _Trace:
    """One group's newest revision that can be traced, and how many spans it may still have."""

    revision: int
    traceparent: str
    left: int = SPANS_PER_REVISION


class DeliveryTraces:
    """`now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._traces: dict[GroupName, _Trace] = {}
        self._sent: dict[int, dict[TypeUrl, tuple[float, bool]]] = {}  # when, and whether for a revision

    def begun(self, head: Revision) -> None:
        """A group serves this revision from now on: the span from the record to here is over."""
        self._traces[head.group] = _Trace(head.number, head.traceparent)
        if tracing.is_on() and tracing.is_sampled(head.traceparent):
            facts: tracing.Facts = {"fairlead.group": head.group, "fairlead.revision": head.number}
            started_s = min(head.created_at_s, self._now())
            tracing.record(
                "serve revision", parent=head.traceparent, started_s=started_s, ended_s=self._now(), attributes=facts
            )

    def trace_id(self, group: GroupName) -> str:
        """The trace of the group's newest revision; empty without one."""
        trace = self._traces.get(group)
        return tracing.trace_id(trace.traceparent) if trace else ""

    def sent(self, stream: StreamInfo, sent: plan.Sent) -> None:
        self._sent.setdefault(stream.id, {})[sent.type_url] = (self._now(), not sent.apart)

    def answered(self, stream: StreamInfo, answer: plan.Acked | plan.Rejected) -> float | None:
        """Seconds since the push that this answers; None when it is not known."""
        sent = self._sent.get(stream.id, {}).pop(answer.type_url, None)
        if sent is None:
            return None
        sent_s, for_revision = sent
        now_s = self._now()
        trace = self._traces.get(stream.group)
        if for_revision and tracing.is_on() and trace and trace.revision == answer.revision:
            self._record(stream, answer, trace, sent_s, now_s)
        return max(0.0, now_s - sent_s)

    def closed(self, stream_id: int) -> None:
        self._sent.pop(stream_id, None)

    def _record(
        self, stream: StreamInfo, answer: plan.Acked | plan.Rejected, trace: _Trace, sent_s: float, now_s: float
    ) -> None:
        if not trace.left or not tracing.is_sampled(trace.traceparent):
            return
        trace.left -= 1
        facts: tracing.Facts = {
            "fairlead.group": stream.group,
            "fairlead.node": stream.node.id,
            "fairlead.revision": answer.revision,
            "fairlead.type": answer.type_url,
            "fairlead.outcome": "acked" if isinstance(answer, plan.Acked) else "rejected",
        }
        tracing.record("push to node", parent=trace.traceparent, started_s=sent_s, ended_s=now_s, attributes=facts)
