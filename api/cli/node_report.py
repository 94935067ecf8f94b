"""What a node's agent reports, for people: cells of a table, and lines that tell all of it.

What the agent does not know is `?`, which is something else than 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from api.cli.messages import age
from api.cli.terminal import escape
from api.hosting.words import age_text
from xds.protocol.types import short_type

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb
    from api.nodes.v1 import nodes_pb2

UNKNOWN = "?"
MIB = 1024 * 1024


def known(message: Any, field: str) -> Any:
    """A field's value; None when it is not set."""
    return getattr(message, field) if message.HasField(field) else None


def number(message: Any, field: str) -> str:
    """`1,204`; `?` for what is not known, which is something else than 0."""
    value = known(message, field)
    return UNKNOWN if value is None else f"{value:,}"


def yes(message: Any, field: str) -> str:
    value = known(message, field)
    return UNKNOWN if value is None else "yes" if value else "no"


def mebibytes(message: Any, field: str) -> str:
    value = known(message, field)
    return UNKNOWN if value is None else f"{value / MIB:.0f} MiB"


def share(statistics: nodes_pb2.Statistics) -> str:
    """The share of requests that were answered with 5xx, since that Envoy began."""
    requests, errors = known(statistics, "downstream_requests"), known(statistics, "downstream_5xx")
    if requests is None or errors is None:
        return UNKNOWN
    return f"{100 * errors / requests:.1f} %" if requests else "0 %"


def heard(node: pb.Node, now_s: float) -> str:
    """How long ago its agent said something; told apart when that is too long."""
    if not node.HasField("agent"):
        return ""
    passed = age(node.agent.heard, now_s)
    return f"{passed} (stale)" if node.agent.stale or not node.agent.connected else passed


def generation(report: nodes_pb2.NodeReport) -> str:
    """`4`, `5 bakes`, `4 fell back`: what is running, and what becomes of it."""
    told = report.generations
    if not report.HasField("generations") or not told.running:
        return ""
    what = "fell back" if told.fell_back else "bakes" if told.baking == told.running else ""
    return f"{told.running} {what}".rstrip()


def wide_cells(node: pb.Node, now_s: float) -> tuple[str, ...]:
    """The cells of `nodes -o wide`: agent, envoy, ready, labels, generation, connections, 5xx, memory, heard, via."""
    if not node.HasField("agent"):
        return ("",) * 9 + (node.via,)
    report = node.agent.report
    return (
        report.agent.version,
        report.envoy.version,
        yes(report.envoy, "ready"),
        labels(report.agent),
        generation(report),
        number(report.statistics, "downstream_connections"),
        share(report.statistics),
        mebibytes(report.statistics, "memory_allocated_bytes"),
        heard(node, now_s),
        node.via,
    )


def labels(agent: nodes_pb2.Agent) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(agent.labels.items()))


def agent_lines(node: pb.Node, now_s: float) -> Iterator[str]:
    """All that the agent says, a line for each part; one line where there is no agent."""
    if not node.HasField("agent"):
        yield "  no agent of it reports to this server"
        return
    report = node.agent.report
    agent = report.agent
    allows = f"allows {', '.join(agent.allows)}" if agent.allows else "allows no operations"
    yield escape(f"  agent {agent.version or UNKNOWN}, heard {heard(node, now_s)} ago; {allows}")
    if agent.labels:
        yield escape(f"  labels {labels(agent)}")
    if agent.passed_by:
        yield escape(f"  does not follow {agent.passed_by}")
    for name, lines in (("envoy", _envoy), ("generations", _generations), ("statistics", _statistics)):
        if report.HasField(name):
            yield from (escape(f"  {line}") for line in lines(getattr(report, name), now_s))


def runs(node: pb.Node) -> dict[str, str]:
    """By type URL, what Envoy really runs: `12`, or `12, 2 differ: web, carts`."""
    told = node.agent.report.running.types if node.HasField("agent") else ()
    return {each.type_url: _runs(each) for each in told}


def running_only(node: pb.Node) -> Iterator[tuple[str, str]]:
    """(type, what runs) of types that the node's own stream says nothing of."""
    known_types = {status.type_url for status in node.types}
    for url, words in runs(node).items():
        if url not in known_types:
            yield short_type(url), words


def _runs(told: nodes_pb2.RunningType) -> str:
    words = number(told, "resources")
    if told.warming:
        words += f", {told.warming} warming"
    if told.differing:
        more = " …" if told.differing > len(told.differs) else ""
        words += f", {told.differing} differ: {', '.join(told.differs)}{more}"
    return words


def _envoy(envoy: nodes_pb2.Envoy, now_s: float) -> Iterator[str]:
    words = [f"live {yes(envoy, 'live')}", f"ready {yes(envoy, 'ready')}"]
    if envoy.HasField("epoch"):
        words.append(f"epoch {envoy.epoch}")
    if envoy.started_s:
        words.append(f"up {_since(envoy.started_s, now_s)}")
    yield f"Envoy {envoy.version or UNKNOWN} {envoy.state}".rstrip() + f": {', '.join(words)}"
    if envoy.restarts or envoy.last_exit:
        when = f", {_since(envoy.last_exit_s, now_s)} ago" if envoy.last_exit and envoy.last_exit_s else ""
        ended = f"; the last one: {envoy.last_exit}{when}" if envoy.last_exit else ""
        yield f"restarts {number(envoy, 'restarts')}{ended}"


def _generations(told: nodes_pb2.Generations, now_s: float) -> Iterator[str]:
    words = [f"generation {told.running or 'none'} runs", f"{told.good or 'none'} is good"]
    if told.baking:
        left = f", good in {age_text(told.baked_s - now_s)}" if told.baked_s > now_s else ""
        words.append(f"{told.baking} bakes{left}")
    if told.from_disk:
        words.append("served from disk")
    yield ", ".join(words)
    if told.fell_back:
        when = f" {_since(told.fell_back_s, now_s)} ago" if told.fell_back_s else ""
        yield f"fell back{when}: {told.fell_back}"
    if told.problem:
        yield f"nothing new is kept: {told.problem}"


def _statistics(told: nodes_pb2.Statistics, now_s: float) -> Iterator[str]:
    def all_of(side: str, *names: tuple[str, str]) -> str:
        return f"{side}: " + ", ".join(f"{words} {number(told, field)}" for words, field in names)

    yield all_of(
        "downstream",
        ("requests", "downstream_requests"),
        ("5xx", "downstream_5xx"),
        ("connections", "downstream_connections"),
    )
    yield all_of(
        "upstream",
        ("requests", "upstream_requests"),
        ("5xx", "upstream_5xx"),
        ("connect failures", "upstream_connect_failures"),
        ("timeouts", "upstream_timeouts"),
        ("overflows", "upstream_overflows"),
        ("connections", "upstream_connections"),
    )
    warming = all_of(
        "warming",
        ("clusters", "clusters_warming"),
        ("listeners", "listeners_warming"),
        ("draining", "listeners_draining"),
    )
    memory = f"{mebibytes(told, 'memory_allocated_bytes')} of {mebibytes(told, 'memory_heap_bytes')}"
    yield f"{warming}; memory {memory}"


def _since(unix_s: int, now_s: float) -> str:
    return age(Timestamp(seconds=unix_s), now_s)
