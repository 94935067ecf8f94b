"""What the own Envoy has made of an answer of upstream: read from its session, and told to upstream in time."""

from __future__ import annotations

from itertools import count

from agents.node.local.docket import SILENT, VERDICT_S, Docket, Verdict
from agents.node.local.judging import TAKEN, Brought, Judgement, judge, together
from tests.builders import a_node, assignment, cluster, listener, route
from xds.protocol.catalogue import Catalogue
from xds.protocol.knowledge import Learned
from xds.protocol.plan import Plan, Response
from xds.protocol.requests import DeltaRequest, ErrorDetail
from xds.protocol.resource import Resource
from xds.protocol.session import Session
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, GroupName, TypeUrl
from xds.protocol.variant import Variant

REFUSAL = ErrorDetail(13, "cluster web: will not do")
NONCES = count(1)


class Gateway:
    """An Envoy's session in an agent, and what upstream says. What the session sends is kept until it is answered."""

    def __init__(self, *types: TypeUrl) -> None:
        self.catalogue = Catalogue(GroupName("edge"), partial=True)
        self.session = Session(Variant.DELTA, count(1))
        self.sent: list[Response] = []
        self.docket = Docket(self.judge)
        self.now_s = 0.0
        for type_url in types:
            self.wants(type_url)
        self.catalogue.change(1, (), [Learned(type_url, everything=True) for type_url in types])
        self._carry_out(self.session.serve(self.catalogue, self.now_s))
        self.takes_all()

    def wants(self, type_url: TypeUrl, *names: str) -> None:
        node = a_node() if self.session.node is None else None
        self._carry_out(self.session.receive(DeltaRequest(type_url, names, node=node), self.now_s))

    def told(self, *resources: Resource, removed: tuple[str, ...] = (), type_url: TypeUrl = CLUSTER) -> Brought:
        """Upstream says this. The session has not heard of it yet."""
        url = resources[0].type_url if resources else type_url
        held = self.catalogue.served(url).resources
        changes = [(held.get(one.name), one) for one in resources] + [(held[name], None) for name in removed]
        self.catalogue.change(self.catalogue.revision + 1, changes)
        return Brought(url, f"up-{next(NONCES)}", tuple((one.name, one.version) for one in resources), removed)

    def hears(self) -> None:
        self._carry_out(self.session.advance(self.now_s))

    def answers(self, error: ErrorDetail | None = None) -> None:
        """The oldest response that it has not answered."""
        response = self.sent.pop(0)
        request = DeltaRequest(response.type_url, response_nonce=response.nonce, error_detail=error)
        self._carry_out(self.session.receive(request, self.now_s))

    def takes_all(self) -> None:
        while self.sent:
            self.answers()

    def judge(self, brought: Brought) -> Judgement | None:
        subscription, served = self.session.subscription(brought.type_url), self.catalogue.served(brought.type_url)
        return together([judge(brought, subscription, served)] if subscription is not None else [])

    def _carry_out(self, plan: Plan) -> None:
        self.sent.extend(plan.responses)


def test_an_answer_is_taken_when_envoy_has_acknowledged_what_it_brought() -> None:
    gateway = Gateway(CLUSTER)
    brought = gateway.told(cluster("web"))
    assert gateway.judge(brought) is None
    gateway.hears()
    assert gateway.judge(brought) is None
    gateway.answers()
    assert gateway.judge(brought) == TAKEN


def test_a_refusal_comes_in_envoys_own_words() -> None:
    gateway = Gateway(CLUSTER)
    brought = gateway.told(cluster("web"))
    gateway.hears()
    gateway.answers(REFUSAL)
    assert gateway.judge(brought) == Judgement(REFUSAL)


def test_what_envoy_does_not_want_is_taken_at_once() -> None:
    gateway = Gateway(CLUSTER)
    assert gateway.judge(gateway.told(listener("web"))) == TAKEN
    gateway.wants(ENDPOINT, "web")
    assert gateway.judge(gateway.told(assignment("other"))) == TAKEN


def test_two_answers_that_envoy_hears_of_at_once_have_one_verdict() -> None:
    gateway = Gateway(CLUSTER)
    first, second = gateway.told(cluster("web")), gateway.told(cluster("carts"))
    gateway.hears()
    gateway.answers(REFUSAL)
    assert gateway.judge(first) == gateway.judge(second) == Judgement(REFUSAL)


def test_an_answer_that_was_overtaken_is_judged_by_what_overtook_it() -> None:
    gateway = Gateway(CLUSTER)
    first = gateway.told(cluster("web", "a"))
    gateway.told(cluster("web", "b"))
    gateway.hears()
    gateway.answers()
    assert gateway.judge(first) == TAKEN


def test_an_answer_after_the_one_that_envoy_has_not_answered_waits_for_its_own_turn() -> None:
    gateway = Gateway(CLUSTER)
    first = gateway.told(cluster("web"))
    gateway.hears()
    second = gateway.told(cluster("carts"))
    gateway.hears()
    gateway.answers()
    assert (gateway.judge(first), gateway.judge(second)) == (TAKEN, None)
    gateway.takes_all()
    assert gateway.judge(second) == TAKEN


def test_a_removal_is_taken_when_envoy_has_acknowledged_it() -> None:
    gateway = Gateway(CLUSTER)
    gateway.told(cluster("web"))
    gateway.hears()
    gateway.takes_all()
    gone = gateway.told(removed=("web",))
    assert gateway.judge(gone) is None
    gateway.hears()
    assert gateway.judge(gone) is None
    gateway.answers()
    assert gateway.judge(gone) == TAKEN


def test_what_is_kept_back_because_of_a_refusal_is_refused_in_words_that_say_so() -> None:
    gateway = Gateway(CLUSTER, LISTENER)
    gateway.wants(ROUTE, "routes")
    gateway.catalogue.change(1, (), [Learned(ROUTE, frozenset({"routes"}))])
    gateway.hears()
    gateway.takes_all()
    gateway.told(cluster("web"))
    gateway.hears()
    gateway.answers(REFUSAL)
    brought = gateway.told(route("routes", to=("web",)))
    gateway.hears()
    judgement = gateway.judge(brought)
    assert judgement is not None
    assert judgement.error is not None
    assert "'routes' was kept back from Envoy: it refers to what Envoy has refused" in judgement.error.message


def test_several_subscriptions_of_a_type_have_one_verdict() -> None:
    refused = Judgement(REFUSAL)
    assert together([]) == TAKEN
    assert together([TAKEN, TAKEN]) == TAKEN
    assert together([TAKEN, None]) is None
    assert together([None, refused, TAKEN]) == refused


def test_the_docket_tells_each_verdict_once() -> None:
    gateway = Gateway(CLUSTER)
    brought = gateway.told(cluster("web"))
    gateway.docket.add(brought, 0)
    assert gateway.docket.settled() == ()
    gateway.hears()
    gateway.answers()
    assert gateway.docket.settled() == (Verdict(brought.nonce, None),)
    assert gateway.docket.settled() == ()
    assert not gateway.docket


def test_an_envoy_that_is_silent_for_too_long_is_told_upstream_as_no_verdict() -> None:
    gateway = Gateway(CLUSTER)
    brought = gateway.told(cluster("web"))
    gateway.docket.add(brought, 5)
    assert gateway.docket.due_s == 5 + VERDICT_S
    assert gateway.docket.overdue(4 + VERDICT_S) == ()
    assert gateway.docket.overdue(5 + VERDICT_S) == (Verdict(brought.nonce, SILENT),)
    assert gateway.docket.due_s is None


def test_a_verdict_that_comes_too_late_is_noticed_once() -> None:
    gateway = Gateway(CLUSTER)
    gateway.docket.add(gateway.told(cluster("web")), 0)
    gateway.docket.overdue(VERDICT_S)
    gateway.hears()
    assert not gateway.docket.taken_late()
    gateway.answers()
    assert gateway.docket.has_overdue
    assert gateway.docket.taken_late()
    assert not gateway.docket.taken_late()
    assert not gateway.docket.has_overdue


def test_a_response_that_envoy_refused_settles_what_brought_any_of_it() -> None:
    docket = Docket(lambda brought: None)
    docket.add(Brought(CLUSTER, "1", (("web", "v"),)), 0)
    docket.add(Brought(CLUSTER, "2", (("carts", "v"),), ("old",)), 0)
    docket.add(Brought(LISTENER, "3", (("old", "v"),)), 0)
    assert docket.rejected(CLUSTER, frozenset({"old"}), REFUSAL) == (Verdict("2", REFUSAL),)
    assert [docket.due_s is not None, bool(docket)] == [True, True]


def test_a_lost_stream_leaves_nothing_to_tell() -> None:
    docket = Docket(lambda brought: TAKEN)
    docket.add(Brought(CLUSTER, "1", (("web", "v"),)), 0)
    docket.clear()
    assert docket.settled() == ()
    assert docket.overdue(VERDICT_S) == ()
