"""What an agent reports, as people see it: what is not known is not nothing."""

from __future__ import annotations

from api.cli.node_report import agent_lines, generation, heard, runs, share, wide_cells
from api.management.v1 import management_pb2 as pb
from api.nodes.v1 import nodes_pb2 as nodes

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"


def a_node(*, stale: bool = False, **parts: object) -> pb.Node:
    node = pb.Node(id="edge-1")
    node.agent.report.CopyFrom(nodes.NodeReport(node="edge-1", **parts))  # type: ignore[arg-type]
    node.agent.heard.seconds, node.agent.connected, node.agent.stale = 1_000, True, stale
    return node


def test_a_node_without_an_agent_has_empty_cells() -> None:
    cells = wide_cells(pb.Node(id="edge-1", via="relay-1"), 1_010)
    assert cells == ("",) * 9 + ("relay-1",)


def test_what_an_agent_does_not_know_is_told_apart_from_none() -> None:
    unknown = nodes.Statistics()
    nothing = nodes.Statistics(downstream_requests=0, downstream_5xx=0, downstream_connections=0)
    some = nodes.Statistics(downstream_requests=1_000, downstream_5xx=15)
    assert [share(each) for each in (unknown, nothing, some)] == ["?", "0 %", "1.5 %"]
    assert wide_cells(a_node(statistics=unknown), 1_010)[5] == "?"
    assert wide_cells(a_node(statistics=nothing), 1_010)[5] == "0"


def test_an_agent_that_was_not_heard_for_long_says_so() -> None:
    assert heard(a_node(), 1_010) == "10s"
    assert heard(a_node(stale=True), 1_100) == "100s (stale)"


def test_what_becomes_of_a_generation_is_told() -> None:
    def told(**fields: object) -> str:
        return generation(nodes.NodeReport(generations=nodes.Generations(**fields)))  # type: ignore[arg-type]

    assert told(running=4, good=4) == "4"
    assert told(running=5, good=4, baking=5) == "5 bakes"
    assert told(running=4, good=4, fell_back="crashed 3 times") == "4 fell back"
    assert told() == ""


def test_all_of_a_report_is_told_in_lines() -> None:
    node = a_node(
        agent=nodes.Agent(version="1.0", allows=["logs"], labels={"tier": "edge"}),
        envoy=nodes.Envoy(
            version="1.40.0",
            live=True,
            ready=False,
            state="draining",
            restarts=2,
            last_exit="ended by SIGSEGV",
            last_exit_s=950,
        ),
        generations=nodes.Generations(
            running=4,
            good=4,
            baking=6,
            baked_s=1_050,
            fell_back="5 crashed\x1b[2J",
            fell_back_s=900,
            problem="disk full",
        ),
        statistics=nodes.Statistics(downstream_requests=1_204, memory_allocated_bytes=64 << 20),
    )
    text = "\n".join(agent_lines(node, 1_010))
    for words in (
        "agent 1.0, heard 10s ago; allows logs",
        "labels tier=edge",
        "Envoy 1.40.0 draining: live yes, ready no",
        "restarts 2; the last one: ended by SIGSEGV, 60s ago",
        "generation 4 runs, 4 is good, 6 bakes, good in 40s",
        "fell back 110s ago: 5 crashed",
        "nothing new is kept: disk full",
        "requests 1,204, 5xx ?",
        "memory 64 MiB of ?",
    ):
        assert words in text
    assert "\x1b" not in text


def test_what_runs_is_told_by_type_with_what_differs() -> None:
    running = nodes.Running(
        types=[nodes.RunningType(type_url=CLUSTER, resources=12, warming=1, differing=3, differs=["web", "carts"])]
    )
    assert runs(a_node(running=running)) == {CLUSTER: "12, 1 warming, 3 differ: web, carts …"}
    assert runs(a_node(running=nodes.Running(types=[nodes.RunningType(type_url=CLUSTER)]))) == {CLUSTER: "?"}
