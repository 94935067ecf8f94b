"""The pure parts of an agent's reports: what Envoy's pages mean, what is due, what is still to be told and its size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.node.reports.audit import Audit
from agents.node.reports.deltas import Told, messages
from agents.node.reports.hiding import HIDDEN, Hiding, texts_in
from agents.node.reports.instances import Instances
from agents.node.reports.logbook import last_of
from agents.node.reports.running import PAGES, Found, compared, digest, found_on, together
from agents.node.reports.schedule import ANYWAY_S, DIFFERS_S, SETTLE_S, SHARE, Schedule
from agents.node.reports.statistics import statistics_of, uptime_s
from api.envoy.registry import load_default
from api.nodes.conversion import report_from, report_message
from api.nodes.orders import Order, OrderKind
from api.nodes.report import (
    Agent,
    Envoy,
    Generations,
    NodeReport,
    Refusal,
    Running,
    RunningType,
    Standing,
    Statistics,
)
from xds.protocol.types import CLUSTER

A_PAGE = b"""\
cluster.web.upstream_rq_total: 10
cluster.web.upstream_rq_5xx: 2
cluster.a.b.upstream_rq_total: 5
cluster.web.upstream_cx_connect_fail: 1
cluster.web.upstream_rq_timeout: 3
cluster.web.upstream_rq_per_try_timeout: 1
cluster.web.upstream_rq_pending_overflow: 4
cluster.web.upstream_cx_active: 6
cluster.fairlead.upstream_rq_total: 1
cluster.fairlead.upstream_cx_active: 1
cluster_manager.warming_clusters: 1
http.admin.downstream_rq_total: 99
http.admin.downstream_rq_5xx: 9
http.front.downstream_rq_total: 20
http.back.downstream_rq_total: 1
http.front.downstream_rq_5xx: 2
listener.admin.downstream_cx_active: 1
listener.0.0.0.0_80.downstream_cx_active: 7
listener.0.0.0.0_80.worker_0.downstream_cx_active: 7
listener_manager.total_listeners_draining: 0
server.memory_allocated: 1000
server.uptime: 42
"""
EVERYTHING = NodeReport(
    "edge-1",
    "edge",
    "relay-1",
    Agent("1.0", "eu", "eu-1", (("tier", "edge"),), ("logs",), "run", relay=True),
    Envoy("1.40.0", True, False, "running", 7, 1, 100, 2, "exited with code 1", 90),
    Running((RunningType(CLUSTER, 3, b"x" * 16, 4, b"y" * 16, 1, ("web",), 0),), 110),
    Generations(5, 4, 5, 200, True, "it crashed", 150, "the disk is full"),
    Statistics(7, 1, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
    Standing(5, (Refusal(CLUSTER, ("web",), 6, 3, "no"),)),
)


def test_statistics_are_added_up_without_envoys_own() -> None:
    told = statistics_of(A_PAGE, 7)
    assert told == Statistics(
        instance=7,
        downstream_requests=21,
        downstream_5xx=2,
        downstream_connections=7,
        upstream_requests=15,
        upstream_5xx=2,
        upstream_connect_failures=1,
        upstream_timeouts=4,
        upstream_overflows=4,
        upstream_connections=6,
        clusters_warming=1,
        listeners_warming=0,
        listeners_draining=0,
        memory_allocated_bytes=1000,
        memory_heap_bytes=None,
    )
    assert uptime_s(A_PAGE) == 42


def test_what_was_never_used_is_none_and_rubbish_is_nothing() -> None:
    assert statistics_of(b"", None).downstream_requests == 0
    assert statistics_of(b"\xff\n: \nx\ncluster.web.upstream_rq_total: many\n", None).upstream_requests == 0
    assert uptime_s(b"") is None


def test_what_envoy_runs_is_read_from_its_lists() -> None:
    clusters, warming, listeners, *_ = PAGES
    entry = {"version_info": "v1", "cluster": {"@type": "…Cluster", "name": "web"}}
    dump = json.dumps({"configs": [{"@type": "…DynamicCluster", **entry}]}).encode()
    assert found_on(clusters, dump) == Found({"web": "v1"})
    assert found_on(warming, dump) == Found({}, 1)
    assert together(found_on(clusters, dump), found_on(warming, dump)) == Found({"web": "v1"}, 1)
    states = [
        {"name": "front", "active_state": {"version_info": "v1"}, "warming_state": {"version_info": "v2"}},
        {"name": "new", "warming_state": {"version_info": "v1"}},
    ]
    assert found_on(listeners, json.dumps({"configs": states}).encode()) == Found({"front": "v1"}, 2)
    assert found_on(clusters, b"{}") == Found({})
    with pytest.raises(ValueError, match="malformed"):
        found_on(clusters, b"<html>")


def test_what_differs_is_told_by_name_and_what_is_equal_once() -> None:
    same = compared(CLUSTER, Found({"a": "1", "b": "2"}), {"b": "2", "a": "1"})
    assert (same.resources, same.held, same.differing, same.held_digest) == (2, None, 0, b"")
    other = compared(CLUSTER, Found({"a": "1", "b": "2"}), {"a": "1", "b": "3", "c": "1"})
    assert (other.resources, other.held, other.differing, other.differs) == (2, 3, 2, ("b", "c"))
    assert other.digest == same.digest != other.held_digest
    many = compared(CLUSTER, Found({}), {str(number): "1" for number in range(1_000)})
    assert (many.differing, len(many.differs)) == (1_000, 10)
    nobody_knows = compared(CLUSTER, Found({"a": "1"}), None)
    assert (nobody_knows.held, nobody_knows.differing) == (None, 0)


def test_a_digest_tells_names_from_versions() -> None:
    assert digest([("a", "bc")]) != digest([("ab", "c")])
    assert digest([("a", "1"), ("b", "1")]) == digest([("b", "1"), ("a", "1")])


def test_each_process_has_a_greater_number_than_the_one_before() -> None:
    instances = Instances()
    instances.see((1, 0), 10, 1_000)
    first = instances.instance
    instances.see((1, 0), 20, 1_011)  # whole seconds
    assert (instances.instance, first) == (990, 990)
    instances.see((2, 0), 0, 1_012)
    second = instances.instance
    instances.see((2, 1), 5, 1_017)  # a hot restart keeps the beginning
    assert 990 < second < instances.instance  # type: ignore[operator]


def test_when_a_process_began_may_be_known_later() -> None:
    instances = Instances()
    instances.see((1, 0), None, 1_000)
    before = instances.instance
    instances.see((1, 0), 5, 1_010)
    assert (instances.started_s, instances.instance) == (1_005, before)


def test_a_process_that_is_not_known_is_told_apart_by_its_beginning() -> None:
    instances = Instances()
    instances.see((None, 0), 500, 1_000)
    before = instances.instance
    instances.see((None, 0), None, 1_005)
    assert instances.instance == before
    instances.see((None, 0), 1, 1_010)
    assert instances.instance == 1_009


def test_what_envoy_runs_is_looked_at_after_a_change_and_seldom_otherwise() -> None:
    schedule = Schedule(10)
    schedule.saw("one", 0)
    assert schedule.dump_due(0)
    schedule.looked(0, 0.01, differs=False)
    assert not schedule.dump_due(ANYWAY_S - 1)
    assert schedule.dump_due(ANYWAY_S)
    schedule.saw("one", 10)
    assert not schedule.dump_due(10 + SETTLE_S)
    schedule.saw("two", 20)
    assert not schedule.dump_due(20)
    assert schedule.dump_due(20 + SETTLE_S)
    schedule.looked(25, 0.01, differs=True)
    assert schedule.dump_due(25 + DIFFERS_S)


def test_looking_takes_a_small_share_of_the_time_however_often_something_changes() -> None:
    schedule = Schedule(10)
    schedule.saw("one", 0)
    schedule.looked(0, 2.0, differs=False)
    for second in range(1, int(2.0 / SHARE)):
        schedule.saw(second, second)
        assert not schedule.dump_due(second)
    assert schedule.dump_due(2.0 / SHARE + SETTLE_S)


def test_statistics_are_due_each_interval_and_when_something_happened() -> None:
    schedule = Schedule(10)
    schedule.saw("one", 0)
    schedule.asked(0, 0.0)
    assert not schedule.statistics_due(9.9)
    assert schedule.statistics_due(10)
    schedule.saw("two", 5)
    assert schedule.statistics_due(5)
    schedule.asked(5, 1.0)
    assert not schedule.statistics_due(5 + 10)  # what takes so long is done less often


def test_a_report_comes_back_as_it_was_told() -> None:
    assert report_from(report_message(EVERYTHING)) == EVERYTHING
    nothing = NodeReport("edge-1", statistics=Statistics())
    assert report_from(report_message(nothing)) == nothing
    assert report_message(nothing).HasField("statistics")


def test_what_was_told_is_not_told_again() -> None:
    told = Told("edge-1")
    report = NodeReport("edge-1", "edge", agent=Agent("1.0"), statistics=Statistics(downstream_requests=1))
    assert told.differences({"edge-1": report}) == ([NodeReport("", "edge", "", *[getattr(report, name) for name in (
        "agent", "envoy", "running", "generations", "statistics", "standing")])], [])  # fmt: skip
    assert told.differences({"edge-1": report}) == ([], [])
    later = report.after(NodeReport("edge-1", statistics=Statistics(downstream_requests=2)))
    assert told.differences({"edge-1": later}) == ([NodeReport("", statistics=Statistics(downstream_requests=2))], [])


def test_memory_that_moves_a_little_is_no_news() -> None:
    told = Told("edge-1")

    def said(memory: int, requests: int = 0) -> list[Statistics | None]:
        now = Statistics(downstream_requests=requests, memory_allocated_bytes=memory)
        return [each.statistics for each in told.differences({"edge-1": NodeReport("edge-1", statistics=now)})[0]]

    assert said(1_000_000) == [Statistics(downstream_requests=0, memory_allocated_bytes=1_000_000)]
    assert said(1_040_000) == []
    assert said(1_040_000, 1) == [Statistics(downstream_requests=1, memory_allocated_bytes=1_000_000)]
    assert said(1_100_000, 1) == [Statistics(downstream_requests=1, memory_allocated_bytes=1_100_000)]


def test_nodes_that_are_gone_are_told_once() -> None:
    told = Told("relay")
    own, edge = NodeReport("relay", agent=Agent("1")), NodeReport("edge-1", "edge", standing=Standing(1))
    assert told.differences({"relay": own, "edge-1": edge})[1] == []
    assert told.differences({"relay": own}) == ([], ["edge-1"])
    assert told.differences({"relay": own}) == ([], [])


def test_much_to_tell_goes_in_several_messages() -> None:
    new = [NodeReport(f"edge-{number}", "edge", agent=Agent("1.0")) for number in range(100)]
    sent = list(messages(new, ["gone"], 500))
    assert len(sent) > 1
    assert all(message.ByteSize() <= 520 for message in sent)
    assert [node.node for message in sent for node in message.reports.nodes] == [one.node for one in new]
    assert [name for message in sent for name in message.reports.gone] == ["gone"]


GRPC_FRAME, HTTP2_FRAME, TCP_AND_IP = 5, 9, 66


def test_a_node_where_nothing_happens_costs_less_than_a_kilobyte_in_ten_seconds() -> None:
    """With the frames around it and TCP's acknowledgement; and where there is traffic all counters move."""
    (nothing,) = messages([], [], 1_000_000)
    idle = nothing.ByteSize() + GRPC_FRAME + HTTP2_FRAME + 2 * TCP_AND_IP
    assert nothing.ByteSize() <= 4
    assert idle < 200
    busy = NodeReport("", statistics=Statistics(*[10**12] * 15))
    (message,) = messages([busy], [], 1_000_000)
    assert message.ByteSize() + GRPC_FRAME + HTTP2_FRAME + 2 * TCP_AND_IP < 1_000


def test_all_of_a_report_is_small_too() -> None:
    (message,) = messages([EVERYTHING], [], 1_000_000)
    assert message.ByteSize() < 500


@pytest.mark.parametrize(
    "line",
    [
        "'authorization', 'Bearer canary-7f31'",
        "authorization: Basic canary-7f31",
        '"x-api-key": "canary-7f31"',
        "cookie: a=canary-7f31; b=2",
        "bearer canary-7f31-and-more",
        'inline_string: "canary-7f31 \\" more"',
        '"inline_bytes":"canary-7f31"',
        "db_password=canary-7f31 next",
        'client_secret: "canary-7f31"',
        "a key -----BEGIN RSA PRIVATE KEY-----\\ncanary-7f31",
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str) -> None:
    shown = Hiding().line(line)
    assert "canary" not in shown
    assert HIDDEN in shown


def test_a_key_over_several_lines_is_hidden_to_its_end() -> None:
    lines = ["before", "-----BEGIN PRIVATE KEY-----", "canary", "7f31", "-----END PRIVATE KEY-----", "after"]
    hiding = Hiding()
    assert [hiding.line(line) for line in lines] == ["before", HIDDEN, HIDDEN, HIDDEN, HIDDEN, "after"]


def test_ordinary_lines_are_shown_as_they_are() -> None:
    for line in (
        "[2026-01-31 14:05:09.123][1][info][upstream] cds: add 1 cluster(s), remove 0 cluster(s)",
        '[2026-01-31T14:05:09.123Z] "GET /carts HTTP/1.1" 200 - 0 12 3 2 "-" "curl/8.0" "id" "shop" "10.0.0.7:8080"',
    ):
        assert Hiding(["a secret that is not there"]).line(line) == line


def test_secrets_that_are_held_are_hidden_wherever_they_stand() -> None:
    secret = load_default().new("envoy.extensions.transport_sockets.tls.v3.Secret")
    secret.name = "web-key"  # type: ignore[attr-defined]
    key = "-----BEGIN PRIVATE KEY-----\nMIIcanary7f31canary7f31\n-----END PRIVATE KEY-----\n"
    secret.tls_certificate.private_key.inline_string = key  # type: ignore[attr-defined]
    texts = list(texts_in(secret.SerializeToString()))
    assert key in texts
    hiding = Hiding(texts)
    assert "canary" not in hiding.line("something went wrong near MIIcanary7f31canary7f31 and here")
    assert "canary" not in hiding.line(key.replace("\n", "\\n"))
    secret.Clear()
    secret.generic_secret.secret.inline_string = "canary-7f31"  # type: ignore[attr-defined]
    assert "canary" not in Hiding(texts_in(secret.SerializeToString())).line("GET /?x=canary-7f31 HTTP/1.1")


def test_rubbish_has_no_texts_and_does_no_harm() -> None:
    assert list(texts_in(b"\xff" * 100)) == []
    nested = b""
    for _ in range(200):
        nested = b"\x0a" + _varint(len(nested)) + nested
    assert all(isinstance(text, str) for text in texts_in(nested))


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def test_the_end_of_a_log_goes_on_into_the_part_before_it(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    log.write_bytes(b"4\n5\n")
    assert last_of(log, 3) == ([b"4", b"5"], 4)
    (tmp_path / "envoy.log.1").write_bytes(b"1\n2\n3\n")
    assert last_of(log, 3) == ([b"3", b"4", b"5"], 4)
    assert last_of(log, 1) == ([b"5"], 4)


def test_the_record_of_orders_is_appended_to_and_bounded(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "audit.jsonl", limit_bytes=2_000, now=lambda: 0.0)
    for number in range(50):
        audit.write(Order("edge-1", OrderKind.DRAIN, "alice", f"reason {number}\n\x1b"), "done", "words")
    lines = [json.loads(line) for file in (audit.older, audit.file) for line in file.read_text().splitlines()]
    assert lines[-1] == {
        "time": "1970-01-01T00:00:00Z",
        "order": "drain",
        "node": "edge-1",
        "author": "alice",
        "reason": "reason 49\n\x1b",
        "outcome": "done",
        "message": "words",
    }
    assert audit.file.stat().st_size <= 2_000
    assert audit.older.stat().st_size <= 2_000
    assert audit.file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["audit.jsonl", "audit.jsonl.1"]


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Audit(tmp_path / "missing" / "audit.jsonl").write(Order("edge-1", OrderKind.DRAIN), "done")
