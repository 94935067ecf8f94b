"""What one client may cost, as one frozen object."""

from __future__ import annotations

from dataclasses import dataclass

from xds.protocol.admission import NAMES_LIMIT

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the edge. Sizes in bytes, times in seconds.

    `request_bytes`      a larger message ends its stream with RESOURCE_EXHAUSTED
    `names`, `types`     what one stream may subscribe to, over all its types
    `node_bytes`         the node message's id, cluster and metadata
    `streams`            streams of all clients; `connection_streams` of one connection (an Envoy without ADS opens an
                         EDS stream per cluster)
    `first_request_s`    a stream must name its node within
    `write_s`            a client must take a response within
    `connection_age_s`   a connection is asked to go elsewhere after (+-10 %, so that they do not go at once) and is
                         ended `connection_age_grace_s` later; 0: never
    `connection_idle_s`  a connection without a stream is ended after: gRPC keeps what it read into of each that is open
    `keepalive_s`        a silent connection is pinged after, and ended without an answer in `keepalive_timeout_s`
    `pending_requests`   connects that may wait to be accepted; grpc drops what is beyond, in silence
    `response_cache_bytes`  encoded responses kept for each group
    `load_entries`       clusters and localities that are read of one load report
    `status_calls`       calls of Client Status Discovery at a time; `status_nodes` told of in one answer, resource by
                         resource while they want no more than `status_rows` of them
    """

    request_bytes: int = 8 * MIB
    names: int = NAMES_LIMIT
    types: int = 64
    node_bytes: int = 128 * 1024
    streams: int = 20_000
    connection_streams: int = 10_000
    first_request_s: float = 30.0
    write_s: float = 30.0
    connection_age_s: float = 3600.0
    connection_age_grace_s: float = 60.0
    connection_idle_s: float = 300.0
    keepalive_s: float = 60.0
    keepalive_timeout_s: float = 20.0
    pending_requests: int = 100_000
    response_cache_bytes: int = 32 * MIB
    load_entries: int = 10_000
    status_calls: int = 32
    status_nodes: int = 2_000
    status_rows: int = 10_000
