"""Metrics: every instrument of Fairlead, declared here once, and the Prometheus text of /metrics.

OpenTelemetry's SDK is imported when `start` is called; until then recording is one comparison. Names follow
OpenTelemetry's conventions; Prometheus shows dots as underscores and adds the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

Kind = Literal["counter", "histogram", "gauge"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One row: what it is called, what it counts, in which unit, and by which attributes it is told apart."""

    name: str
    kind: Kind
    unit: str
    help: str
    attributes: tuple[str, ...] = ()


STREAMS = Instrument("fairlead.xds.streams", "gauge", "{stream}", "open xDS streams")
CONNECTS = Instrument("fairlead.xds.connects", "counter", "{stream}", "xDS streams that named their node", ("variant",))
REFUSED_STREAMS = Instrument(
    "fairlead.xds.refused_streams", "counter", "{stream}", "xDS streams ended unserved", ("status",)
)
PUSHES = Instrument("fairlead.xds.pushes", "counter", "{response}", "responses written to clients", ("type",))
PUSHED_BYTES = Instrument("fairlead.xds.pushed", "counter", "By", "bytes of responses written", ("type",))
PUSHED_RESOURCES = Instrument(
    "fairlead.xds.pushed_resources", "counter", "{resource}", "resources in responses written", ("type",)
)
HEARTBEATS = Instrument(
    "fairlead.xds.heartbeats", "counter", "{resource}", "resources whose time to live was renewed", ("type",)
)
ENCODINGS = Instrument("fairlead.xds.encodings", "counter", "{response}", "responses encoded; others shared", ("type",))
ACKS = Instrument("fairlead.xds.acks", "counter", "{response}", "responses acknowledged", ("type",))
REJECTIONS = Instrument("fairlead.xds.rejections", "counter", "{response}", "responses rejected", ("type", "group"))
STALE = Instrument("fairlead.xds.stale_requests", "counter", "{request}", "requests with an old nonce", ("type",))
POLLS = Instrument("fairlead.xds.polls", "counter", "{request}", "polls by REST and unary gRPC", ("type", "outcome"))
ACK_DURATION = Instrument(
    "fairlead.xds.ack.duration", "histogram", "s", "from the decision to send to the ACK", ("type",)
)
LOAD_REPORTS = Instrument("fairlead.load_reports.received", "counter", "{report}", "load reports (LRS)", ("group",))
LOAD_OVER_LIMIT = Instrument(
    "fairlead.load_reports.over_limit", "counter", "{entry}", "parts of load reports beyond a limit", ("group", "what")
)
REPORTERS = Instrument("fairlead.load_reports.streams", "gauge", "{stream}", "streams that report load", ("group",))
_PLACE = ("group", "cluster", "region", "zone")
TRAFFIC_ISSUED = Instrument(
    "fairlead.traffic.issued", "counter", "{request}", "requests that clients report to have sent", _PLACE
)
TRAFFIC_FINISHED = Instrument(
    "fairlead.traffic.finished", "counter", "{request}", "requests that ended, by outcome", (*_PLACE, "outcome")
)
TRAFFIC_DROPPED = Instrument(
    "fairlead.traffic.dropped", "counter", "{request}", "requests never sent", ("group", "cluster", "category")
)
TRAFFIC_IN_PROGRESS = Instrument(
    "fairlead.traffic.in_progress", "gauge", "{request}", "requests under way as of the last reports", _PLACE
)
NODE_REPORTS = Instrument("fairlead.node_reports.received", "counter", "{report}", "messages of agents that report")
NODE_REPORTS_OVER_LIMIT = Instrument(
    "fairlead.node_reports.over_limit", "counter", "{node}", "nodes that agents told of beyond a limit"
)
REPORTED_NODES = Instrument(
    "fairlead.node_reports.nodes", "gauge", "{node}", "nodes that agents tell of now", ("group",)
)
NODE_REPORT_AGE = Instrument(
    "fairlead.node_reports.age", "gauge", "s", "since the last word of the agent silent longest", ("group",)
)
ORDERS = Instrument("fairlead.node_orders", "counter", "{order}", "orders to nodes that ended", ("kind", "outcome"))
NODES = Instrument("fairlead.nodes", "gauge", "{node}", "nodes of this server by state", ("group", "state"))
REVISION = Instrument("fairlead.revision", "gauge", "1", "the revision that a group is served", ("group",))
PROPAGATION = Instrument(
    "fairlead.publish.propagation", "histogram", "s", "from the record to this server serving it", ("group",)
)
CHANGES = Instrument(
    "fairlead.publish.changes", "counter", "{resource}", "resources changed by new revisions", ("group",)
)
ENDPOINT_CHANGES = Instrument(
    "fairlead.endpoints.changes", "counter", "{change}", "endpoint sets served anew, without a revision", ("group",)
)
ENDPOINTS_COALESCED = Instrument(
    "fairlead.endpoints.coalesced", "counter", "{change}", "changes overtaken by a newer one of their set", ("group",)
)
ENDPOINT_PUSHES = Instrument(
    "fairlead.endpoints.pushes", "counter", "{response}", "responses decided for endpoint sets alone", ("group",)
)
ENDPOINT_PROPAGATION = Instrument(
    "fairlead.endpoints.propagation", "histogram", "s", "from an endpoint set's record to its serving here", ("group",)
)
LOAD_FAILURES = Instrument(
    "fairlead.load.failures", "counter", "{revision}", "revisions that could not be loaded", ("group",)
)
STORE_REACHABLE = Instrument("fairlead.store.reachable", "gauge", "1", "1 while the store answers")
READY = Instrument("fairlead.ready", "gauge", "1", "1 while this server is ready")
CALL_DURATION = Instrument(
    "fairlead.management.call.duration", "histogram", "s", "management calls", ("method", "status")
)
GARBAGE_REMOVED = Instrument("fairlead.store.garbage.removed", "counter", "By", "bytes that garbage collection removed")
CERTIFICATES = Instrument(
    "fairlead.tls.reloads", "counter", "{reload}", "certificates reloaded or refused", ("outcome",)
)

INSTRUMENTS: tuple[Instrument, ...] = (
    STREAMS,
    CONNECTS,
    REFUSED_STREAMS,
    PUSHES,
    PUSHED_BYTES,
    PUSHED_RESOURCES,
    HEARTBEATS,
    ENCODINGS,
    ACKS,
    REJECTIONS,
    STALE,
    POLLS,
    ACK_DURATION,
    LOAD_REPORTS,
    LOAD_OVER_LIMIT,
    REPORTERS,
    TRAFFIC_ISSUED,
    TRAFFIC_FINISHED,
    TRAFFIC_DROPPED,
    TRAFFIC_IN_PROGRESS,
    NODE_REPORTS,
    NODE_REPORTS_OVER_LIMIT,
    REPORTED_NODES,
    NODE_REPORT_AGE,
    ORDERS,
    NODES,
    REVISION,
    PROPAGATION,
    CHANGES,
    ENDPOINT_CHANGES,
    ENDPOINTS_COALESCED,
    ENDPOINT_PUSHES,
    ENDPOINT_PROPAGATION,
    LOAD_FAILURES,
    STORE_REACHABLE,
    READY,
    CALL_DURATION,
    GARBAGE_REMOVED,
    CERTIFICATES,
)
# Seconds: from a push on one machine to a fleet that is far away.
_BOUNDARIES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Measured = tuple[float, dict[str, str]]
Measure = Callable[[], Iterable[Measured]]


_Key = tuple[tuple[str, str], ...]


class _Active:
    """The one set of instruments of this process, or none."""

    provider: Any = None
    meter: Any = None
    histograms: dict[str, Any] = {}  # noqa: RUF012 -- replaced as a whole by start and stop
    # Counters are counted here and read when metrics are collected: a tenth of what it costs to tell the SDK each time.
    counts: dict[str, dict[_Key, float]] = {}  # noqa: RUF012 -- as above
    # And some are counted elsewhere, where they have to be known anyway.
    measured: dict[str, list[Measure]] = {}  # noqa: RUF012 -- as above


def start(endpoint: str = "") -> None:
    """Begin to count, for `prometheus_text` to show, and to send to an OTLP endpoint if one is given. Idempotent."""
    if _Active.provider is not None:
        return
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider

    reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)
    provider = MeterProvider(metric_readers=[reader, *_otlp_reader(endpoint)])
    _Active.provider, _Active.meter = provider, provider.get_meter("fairlead")
    _Active.histograms = {row.name: _histogram(row) for row in INSTRUMENTS if row.kind == "histogram"}
    _Active.counts = {row.name: {} for row in INSTRUMENTS if row.kind == "counter"}
    _Active.measured = {row.name: [] for row in INSTRUMENTS if row.kind == "counter"}
    for row in INSTRUMENTS:
        if row.kind == "counter":
            _show_counter(row)


def _otlp_reader(endpoint: str) -> list[Any]:
    if not endpoint:
        return []
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
    return [PeriodicExportingMetricReader(exporter)]


def _histogram(row: Instrument) -> Any:
    return _Active.meter.create_histogram(
        row.name, unit=row.unit, description=row.help, explicit_bucket_boundaries_advisory=_BOUNDARIES_S
    )


def _show_counter(row: Instrument) -> None:
    from opentelemetry.metrics import Observation

    counts, measured = _Active.counts[row.name], _Active.measured[row.name]

    def callback(options: CallbackOptions) -> list[Observation]:
        counted = [Observation(value, dict(key)) for key, value in list(counts.items())]
        return counted + [Observation(value, attributes) for read in measured for value, attributes in read()]

    _Active.meter.create_observable_counter(row.name, [callback], unit=row.unit, description=row.help)


def stop() -> None:
    """Count no more. Idempotent."""
    provider = _Active.provider
    _Active.provider = _Active.meter = None
    _Active.histograms, _Active.counts, _Active.measured = {}, {}, {}
    if provider is not None:
        provider.shutdown()


def add(counter: Instrument, amount: float = 1, **attributes: str) -> None:
    """Count something that happened."""
    counts = _Active.counts.get(counter.name)
    if counts is not None:
        key = tuple(attributes.items())
        counts[key] = counts.get(key, 0) + amount


def observe(histogram: Instrument, seconds: float, **attributes: str) -> None:
    """Note how long something took."""
    made = _Active.histograms.get(histogram.name)
    if made is not None:
        made.record(seconds, attributes)


def measure(instrument: Instrument, read: Measure) -> None:
    """Ask `read` for (value, attributes) whenever metrics are collected: a gauge, or a counter that is kept elsewhere.

    It costs nothing in between. A counter's value may not go back; what `read` no longer tells is no longer shown.
    """
    if _Active.meter is None:
        return
    if instrument.kind == "counter":
        _Active.measured[instrument.name].append(read)
        return
    from opentelemetry.metrics import Observation

    def callback(options: CallbackOptions) -> list[Observation]:
        return [Observation(value, attributes) for value, attributes in read()]

    _Active.meter.create_observable_gauge(
        instrument.name, [callback], unit=instrument.unit, description=instrument.help
    )


def call_ended(method: str, status: str, seconds: float) -> None:
    """One management call, by gRPC status name."""
    observe(CALL_DURATION, seconds, method=method, status=status)


def prometheus_text() -> tuple[bytes, str]:
    """All metrics as Prometheus reads them, and the content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
