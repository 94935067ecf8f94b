"""What either side of a report stream may cost the other, as frozen objects. Sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReportLimits:
    """What a server takes of reports.

    `interval_s`       something must be said this often; who is silent for `silent_intervals` of them, and for
                       `silent_s`, is ended
    `message_bytes`    of one message
    `stream_bytes_s`   what is read of one stream in a second, beyond answers that were asked for; `stream_nodes_s`
                       nodes, `messages_s` messages
    `stream_nodes`     that one relay may report for; `nodes` of all streams
    `orders`           under way at a time on this server, `node_orders` of one node
    `chunk_bytes`      of one piece of an answer; `window_chunks` may be on their way to one who reads slowly
    `answer_bytes`     of one answer, unless it is followed
    `answer_s`         until the first word of an answer; and between chunks that were asked for, unless it is followed
    """

    interval_s: float = 10.0
    silent_intervals: int = 3
    silent_s: float = 30.0
    message_bytes: int = MIB
    stream_bytes_s: int = MIB
    stream_nodes_s: int = 2_500
    messages_s: int = 20
    stream_nodes: int = 5_000
    nodes: int = 20_000
    orders: int = 64
    node_orders: int = 4
    chunk_bytes: int = 64 * KIB
    window_chunks: int = 8
    answer_bytes: int = 256 * MIB
    answer_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ShapeLimits:
    """What is kept of one report; the rest is cut. Characters of texts, and how many of each."""

    id_characters: int = 256
    word_characters: int = 64
    text_characters: int = 500
    labels: int = 32
    allows: int = 16
    types: int = 16
    differs: int = 10
    refusals: int = 16
    refused_names: int = 20


SHAPE_LIMITS = ShapeLimits()
