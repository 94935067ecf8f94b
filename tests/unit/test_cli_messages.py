"""Messages of the management API as people and programs read them. Pure: messages in, text and data out."""

from __future__ import annotations

import io

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from api.cli.diagnosis import store_checks
from api.cli.explanations import Explained, explanation_document, explanation_lines
from api.cli.messages import age, iso_time, plain, short_reason, word
from api.cli.objects import object_documents
from api.cli.planning import summary_lines
from api.cli.publishing import Outcome
from api.cli.terminal import ColorWhen, Paint
from api.hosting.checks import Verdict, clock_check
from api.management.v1 import management_pb2 as pb
from xds.protocol.types import CLUSTER, ROUTE

PLAIN = Paint(ColorWhen.NEVER, io.StringIO())


def a_revision(number: int = 4) -> pb.Revision:
    return pb.Revision(group="edge", number=number, workspaces={"shop": number}, source="9f3c2")


def a_rejection(node: str, words: str, *names: str) -> pb.Rejection:
    return pb.Rejection(node=node, type_url=ROUTE, names=names, revision=4, message=words)


def a_node(node: str, acked: int, rejection: pb.Rejection | None = None) -> pb.Node:
    return pb.Node(id=node, types=[pb.NodeType(type_url=ROUTE, acked_revision=acked, rejection=rejection)])


def a_route(name: str) -> pb.Resource:
    origin = pb.Origin(workspace="shop", path="routes/shop.yaml", line=22, kind="EnvoyResource", name=name)
    return pb.Resource(type_url=ROUTE, name=name, version="aa", body=b"\x01", origin=origin)


def test_plain_has_numbers_words_and_times_that_scripts_expect() -> None:
    node = pb.Node(id="e", state=pb.Node.CURRENT, revision=2**60, since=Timestamp(seconds=1767225600, nanos=5_000_000))
    document = plain(node)
    assert document["revision"] == 2**60
    assert document["state"] == "current"
    assert document["since"] == "2026-01-01T00:00:00.005Z"
    assert document["types"] == []


def test_plain_shows_what_is_not_set() -> None:
    assert plain(pb.Explanation())["resource"] is None
    assert plain(pb.Revision(workspaces={"b": 2, "a": 1}))["workspaces"] == {"a": 1, "b": 2}
    assert plain(pb.Change(before=b"\x00"))["before"] == "AA=="
    assert iso_time(Timestamp()) == ""


def test_an_enum_value_of_a_newer_server_is_a_number() -> None:
    assert word(pb.Node(state=99), "state") == "99"  # type: ignore[arg-type]  # a value that is not in this proto


@pytest.mark.parametrize(("passed_s", "words"), [(0, "0s"), (90, "90s"), (600, "10m"), (7200, "2h"), (260_000, "3d")])
def test_ages(passed_s: int, words: str) -> None:
    assert age(Timestamp(seconds=1000), 1000.5 + passed_s) == words
    assert age(Timestamp(), 5) == ""


def test_a_rejection_is_told_as_in_the_contract() -> None:
    words = "web: timeout: value must be >= 0s"
    rejections = [a_rejection(node, words, "web") for node in ("edge-07", "edge-09")]
    revision = a_revision()
    explanation = pb.Explanation(
        resource=a_route("web"), revision=revision, published=revision, rejections=rejections, undo=3
    )
    explained = Explained(explanation, [a_node("edge-07", 3), a_node("edge-09", 3)])
    assert list(explanation_lines(explained, PLAIN)) == [
        "route/web",
        "  rejected by edge-07, edge-09 (they serve revision 3)",
        f'  Envoy: "{words}"',
        "  from routes/shop.yaml:22, 9f3c2      undo: fairlead rollback 3 --group edge",
    ]
    assert "body" not in explanation_document(explanation)["resource"]


def test_gateways_with_other_words_or_another_revision_are_told_apart() -> None:
    rejections = [a_rejection("a", "x", "web"), a_rejection("b", "y", "web"), a_rejection("c", "y", "web")]
    explanation = pb.Explanation(resource=a_route("web"), revision=a_revision(), rejections=rejections)
    lines = list(explanation_lines(Explained(explanation, [a_node("a", 0), a_node("b", 3), a_node("c", 2)]), PLAIN))
    assert [line for line in lines if "rejected" in line] == [
        "  rejected by a (it serves nothing of this type)",
        "  rejected by b (it serves revision 3)",
        "  rejected by c (it serves revision 2)",
    ]


def test_what_is_served_says_by_how_many() -> None:
    explanation = pb.Explanation(resource=a_route("web"), revision=a_revision(), nodes_acked=11, nodes_total=12)
    lines = list(explanation_lines(Explained(explanation, ()), PLAIN))
    assert lines[1] == "  acknowledged by 11 of 12 gateways (revision 4, version aa)"


def test_words_of_gateways_cannot_steer_the_terminal() -> None:
    rejections = [a_rejection("a\x1b[2J", "\x1b]0;title\x07", "web")]
    explanation = pb.Explanation(resource=a_route("web"), revision=a_revision(), rejections=rejections)
    assert all(line.isprintable() for line in explanation_lines(Explained(explanation, ()), PLAIN))


@pytest.mark.parametrize(
    ("group", "nodes", "programmed"),
    [
        (pb.GroupStatus(), (), ("Unknown", "NoGateways")),
        (pb.GroupStatus(nodes_total=2, nodes_current=2), (), ("True", "Programmed")),
        (pb.GroupStatus(nodes_total=2, nodes_behind=1), (), ("Unknown", "Pending")),
        (
            pb.GroupStatus(nodes_total=1, nodes_rejected=1),
            (a_node("a", 3, a_rejection("a", "bad regex", "web")),),
            ("False", "Rejected"),
        ),
        (
            pb.GroupStatus(nodes_total=1, nodes_rejected=1),
            (a_node("a", 3, a_rejection("a", "other: bad regex", "web", "other")),),
            ("True", "Programmed"),
        ),
    ],
    ids=["nobody", "all", "on its way", "rejected", "rejected for another's sake"],
)
def test_each_object_says_how_far_it_is(
    group: pb.GroupStatus, nodes: tuple[pb.Node, ...], programmed: tuple[str, str]
) -> None:
    workspace, route = object_documents(a_revision(), [a_route("web")], group, nodes)
    assert (workspace["kind"], workspace["name"]) == ("Workspace", "shop")
    assert (route["apiVersion"], route["kind"], route["name"]) == ("fairlead.dev/v1", "EnvoyResource", "web")
    assert route["status"]["from"] == "routes/shop.yaml:22"
    condition = route["status"]["conditions"][1]
    assert (condition["status"], condition["reason"]) == programmed


def test_one_object_with_two_resources_is_one_object() -> None:
    both = [a_route("web"), a_route("web")]
    both[1].name = "web-2"
    _, found = object_documents(a_revision(), both, pb.GroupStatus(), ())
    assert found["status"]["resources"] == ["route/web", "route/web-2"]


def test_a_plan_says_what_it_comes_to() -> None:
    change = pb.Change(kind=pb.Change.CHANGED, type_url=CLUSTER, name="web")
    plan = pb.PlanResponse(group="edge", base=41, changes=[change], nodes_reached=12, nodes_total=12)
    assert summary_lines(plan) == [
        "xDS: 1 cluster changed. Reaches 12 of 12 gateways.",
        "Drains no listener. Warms no cluster. Base: revision 41",
    ]


def test_an_outcome_says_whether_anything_was_stored() -> None:
    revision = a_revision()
    assert Outcome(pb.PublishResponse(revision=revision, created=True)).line() == "revision 4 stored."
    assert "nothing was stored" in Outcome(pb.PublishResponse(revision=revision)).line()


@pytest.mark.parametrize(
    ("reason", "detail", "short"),
    [
        ("the store does not answer: etcd is down", "etcd is down", "the store does not answer"),
        ("the store does not answer: it is down", "the store does not answer: it is down", "the store does not answer"),
        ("groups are still loading: edge", "", "groups are still loading: edge"),
        ("this server is going away", "etcd is down", "this server is going away"),
    ],
)
def test_what_the_store_says_of_itself_is_not_said_of_the_server_too(reason: str, detail: str, short: str) -> None:
    assert short_reason(pb.Status(not_ready_reason=reason, store=pb.StoreStatus(detail=detail))) == short


def an_etcd(**known: object) -> pb.StoreStatus:
    status = pb.StoreStatus(kind="etcd", reachable=True, version="3.5.1", quota_bytes=1000, db_size_bytes=100)
    status.MergeFrom(pb.StoreStatus(**known))  # type: ignore[arg-type]  # fields of the message
    return status


@pytest.mark.parametrize(
    ("store", "name", "verdict"),
    [
        (an_etcd(), "etcd space", Verdict.GOOD),
        (an_etcd(db_size_bytes=850), "etcd space", Verdict.DOUBTFUL),
        (an_etcd(db_size_bytes=990), "etcd space", Verdict.BAD),
        (an_etcd(version="3.3.25"), "etcd version", Verdict.BAD),
        (an_etcd(version="3.10.0"), "etcd version", Verdict.GOOD),
        (an_etcd(alarms=["NOSPACE on member 1"]), "alarm", Verdict.BAD),
        (an_etcd(detail="etcd at http://b is not reachable"), "etcd members", Verdict.DOUBTFUL),
        (pb.StoreStatus(kind="etcd", detail="no leader"), "store", Verdict.BAD),
        (pb.StoreStatus(kind="memory", reachable=True), "store", Verdict.DOUBTFUL),
    ],
)
def test_doctor_judges_the_store_and_says_what_to_do(store: pb.StoreStatus, name: str, verdict: Verdict) -> None:
    check = {one.name: one for one in store_checks(store)}[name]
    assert check.verdict is verdict
    assert bool(check.remedy) is (verdict is not Verdict.GOOD)


@pytest.mark.parametrize(("skew_s", "verdict"), [(0.3, Verdict.GOOD), (-5, Verdict.DOUBTFUL), (3600, Verdict.DOUBTFUL)])
def test_doctor_compares_clocks(skew_s: float, verdict: Verdict) -> None:
    assert clock_check(skew_s).verdict is verdict
