"""Whatever an agent and its relay tell, difference by difference, the fleet knows the last of it and nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as some

from agents.node.reports.deltas import Told, messages
from api.nodes.conversion import report_from
from api.nodes.report import (
    PARTS,
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
from api.nodes.v1 import nodes_pb2 as pb
from xds.fleet import Fleet
from xds.fleet.reports import Reporter
from xds.protocol.types import CLUSTER, LISTENER, GroupName, NodeId

GROUP = GroupName("edge")
words = some.sampled_from(["", "a", "some words"])
numbers = some.integers(0, 3)
maybe = some.none() | numbers
types = some.builds(RunningType, some.sampled_from([CLUSTER, LISTENER]), maybe)
refusals = some.builds(Refusal, some.just(CLUSTER))
parts = {
    "agent": some.builds(Agent, version=words, labels=some.just((("tier", "edge"),)) | some.just(())),
    "envoy": some.builds(Envoy, version=words, live=some.none() | some.booleans(), instance=maybe, last_exit=words),
    "running": some.builds(Running, some.lists(types, max_size=2).map(tuple)),
    "generations": some.builds(Generations, numbers, numbers, fell_back=words),
    "statistics": some.builds(Statistics, maybe, maybe, maybe, clusters_warming=maybe),
    "standing": some.builds(Standing, numbers, some.lists(refusals, max_size=1).map(tuple)),
}
reports = some.builds(NodeReport, some.just(""), **{name: some.none() | part for name, part in parts.items()})
steps = some.dictionaries(some.sampled_from(["relay", "one", "two"]), reports, min_size=1)


@settings(max_examples=100, deadline=None)
@given(some.lists(steps, min_size=1, max_size=6), some.sampled_from([40, 200, 100_000]))
def test_what_is_told_in_differences_comes_to_the_last_of_it(said: list[dict[str, NodeReport]], size: int) -> None:
    fleet, told = Fleet(), Told("relay")
    fleet.reporting(Reporter(1, NodeId("relay"), GROUP, True, "", 0.0))
    known: dict[str, NodeReport] = {}
    for now_s, step in enumerate(said):
        here = {node: replace(report, node=node, group=GROUP) for node, report in step.items()}
        # As a collector does: a part that nobody looked at is as it was.
        here = {node: known[node].after(report) if node in known else report for node, report in here.items()}
        known = {**here, "relay": here.get("relay", known.get("relay", NodeReport("relay", GROUP)))}
        for message in messages(*told.differences(known), size):
            heard = pb.AgentMessage.FromString(message.SerializeToString()).reports
            fleet.reported(1, map(report_from, heard.nodes), heard.gone, float(now_s))

    for node, report in known.items():
        reported = fleet.reports.of(node)
        assert reported is not None
        assert reported.connected
        assert {name: getattr(reported.report, name) for name in PARTS} == {
            name: getattr(report, name) for name in PARTS
        }
    assert {entry for reporter in fleet.reports.open() for entry in reporter.entries} == known.keys()
    assert fleet.counts(GROUP).total == sum(report.standing is not None for report in known.values())
