"""A server, an agent that mirrors it and the agent's local clients, in one process and without I/O: hop by hop.

What is on its way stays there until it is told to go on, so that a test says what crosses what.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import replace
from itertools import count

from tests.builders import a_node
from xds.client.answers import Abandon, Answer, Asked, Outcome, Received, Refused
from xds.client.mirror import Mirror
from xds.client.telling import told
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue, Change
from xds.protocol.features import RESOURCE_TTL, REVISION
from xds.protocol.knowledge import Learned
from xds.protocol.plan import Plan, Response, Subscribed
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.resource import Resource
from xds.protocol.session import Session
from xds.protocol.types import GroupName, TypeUrl
from xds.protocol.variant import Variant

KEPT_S = 300.0  # what an agent wanted counts on for so long at a relay
AGENT = replace(a_node("agent-1"), client_features=(REVISION, RESOURCE_TTL))


def decoded(response: Response) -> Answer:
    """A response as an edge hands it over. Bodies bring their references and aliases with them here."""
    said = told(response.version)
    resources = tuple(replace(one, on_demand=False) for one in response.resources)
    what = (resources, response.removed, response.unresolved, response.aliases)
    return Answer(response.type_url, response.nonce, said.version, said.revision, *what, *said[2:])


class Agent:
    """The agent, and its stream up. It takes what comes; its answers wait for `settle` when `verdicts` are awaited."""

    def __init__(self, *, floor: int = 0, seed: Iterable[Resource] = (), awaits_verdicts: bool = False) -> None:
        self.wants = Wants()
        self.mirror = Mirror(self.wants, floor)
        self.catalogue = Catalogue(GroupName("edge"), partial=True)
        self.clients: dict[Hashable, Local] = {}
        self.now_s = 0.0
        self.requests: deque[DeltaRequest] = deque()  # on their way up
        self.responses: deque[Response] = deque()  # on their way down
        self.unsettled: deque[str] = deque()
        self.abandoned: list[Abandon] = []
        self.refused: list[Refused] = []
        self.is_pinned = False
        self._awaits_verdicts = awaits_verdicts
        self._server: Catalogue | None = None
        self._upstream: Session | None = None
        self._relay: Agent | None = None
        seeded = tuple(seed)
        if seeded:
            self.mirror.seed(seeded)
            self.catalogue.load(floor or 1, seeded)

    def connects_to(self, server: Catalogue | Agent) -> None:
        """`server`: another agent is a relay."""
        self._relay = server if isinstance(server, Agent) else None
        self._server = server.catalogue if isinstance(server, Agent) else server
        self._upstream = Session(Variant.DELTA, count(1))
        self.requests.clear()
        self.responses.clear()
        self._follow(self.mirror.connected(AGENT))

    def disconnects(self) -> None:
        if self._relay is not None:
            self._relay.loses(self._upstream, self.now_s + KEPT_S)
        self._upstream = self._server = self._relay = None
        self.requests.clear()
        self.responses.clear()
        self.unsettled.clear()
        self.mirror.disconnected()

    def goes_up(self) -> None:
        """One request reaches the server."""
        if self.requests and self._upstream is not None and self._server is not None:
            request = self.requests.popleft()
            plan = self._upstream.receive(request, self.now_s)
            self.responses.extend(plan.responses)
            if self._relay is not None:
                self._relay.observes(self._upstream, self._upstream, plan)
            if request.node is not None:
                self.responses.extend(self._upstream.serve(self._server, self.now_s).responses)

    def upstream_moves(self) -> Plan:
        """The server's catalogue moved, or time went by."""
        if self._upstream is None or self._upstream.node is None:
            return Plan()
        plan = self._upstream.advance(self.now_s)
        self.responses.extend(plan.responses)
        return plan

    def goes_down(self) -> Outcome | None:
        """One response reaches the agent."""
        return self.takes(decoded(self.responses.popleft())) if self.responses else None

    def takes(self, answer: Answer) -> Outcome:
        outcome = self.mirror.receive(answer, self.now_s)
        # Who vouches for nothing yet (0) would pass for one that has all of what it tells.
        if not (self.catalogue.is_old and self.catalogue.complete):
            self.catalogue.complete = self.mirror.complete
        if isinstance(outcome, Received):
            self._apply(outcome.revision, outcome.changes, outcome.learned)
            if outcome.renewed:
                self.catalogue.renew(outcome.type_url, outcome.renewed)
                self._tell()
            self.unsettled.append(outcome.nonce)
            if not self._awaits_verdicts:
                self.settles(None)
        elif isinstance(outcome, Refused):
            self.refused.append(outcome)
            self.requests.append(outcome.request)
        else:
            self.abandoned.append(outcome)
            self.disconnects()
        return outcome

    def settles(self, error: ErrorDetail | None) -> None:
        """The oldest answer that waits for it gets its verdict."""
        if self.unsettled:
            request = self.mirror.settle(self.unsettled.popleft(), error)
            if request is not None:
                self.requests.append(request)

    def pins(self, revision: int, resources: Iterable[Resource]) -> None:
        """Back to an older state, whatever upstream says."""
        self.is_pinned = True
        self.catalogue.replace(revision, resources)
        self.catalogue.give_up()
        self._tell()

    def unpins(self) -> None:
        self.is_pinned = False
        self.catalogue.give_up(False)
        self.catalogue.replace(max(self.mirror.floor, 1), self.mirror.everything_held())
        self._tell()

    def observes(self, member: Hashable, session: Session, plan: Plan) -> None:
        """A local client may want something else."""
        for seen in plan.observations:
            subscription = session.subscription(seen.type_url) if isinstance(seen, Subscribed) else None
            if subscription is not None:
                interest = subscription.interest
                self.wants.put(member, seen.type_url, interest.wildcard, interest.names)
        self._follow(self.mirror.want())

    def wants_something_else(self) -> None:
        """Its wishes were changed."""
        self._follow(self.mirror.want())

    def loses(self, member: Hashable, until_s: float | None = None) -> None:
        """A local client is gone."""
        self.clients.pop(member, None)
        self.wants.leave(member, until_s)
        self._follow(self.mirror.want())

    def expires(self) -> None:
        """What lives for a time only was not renewed in that."""
        self._follow(self.mirror.expire(self.now_s))

    def forgets_unwanted(self) -> None:
        """What came from disk, and nobody asked for."""
        self._follow(self.mirror.forget_unwanted())

    def settles_down(self) -> None:
        """Everything goes on until nothing is on its way."""
        while self.requests or self.responses or self.unsettled:
            self.goes_up()
            self.goes_down()
            self.settles(None)

    def _follow(self, asked: Asked) -> None:
        for request in asked.requests:
            assert set(request.subscribe) <= set(self.wants.names(request.type_url)), "nobody here wants that"
        self.requests.extend(asked.requests)
        self._apply(self.catalogue.revision, asked.changes, asked.learned)
        upstream = self._relay or self._server
        if asked.ends_stream and upstream is not None:
            self.disconnects()
            self.connects_to(upstream)

    def _apply(self, revision: int, changes: Iterable[Change], learned: Iterable[Learned]) -> None:
        kept = (self.catalogue.revision, (), learned) if self.is_pinned else (revision, changes, learned)
        if self.catalogue.change(*kept):
            self._tell()

    def _tell(self) -> None:
        for client in list(self.clients.values()):
            if client.session.is_concerned():
                client.advances(self.now_s)


class Local:
    """A local client's session, as its stream drives it. `inbox`: what it was sent and has not looked at."""

    def __init__(self, agent: Agent, member: Hashable, variant: Variant) -> None:
        self.agent, self.member, self.variant = agent, member, variant
        self.session = Session(variant, count(1))
        self.inbox: deque[Response] = deque()
        self.sent: list[Response] = []
        self.plans: list[Plan] = []
        self.wake_at_s: float | None = None
        agent.clients[member] = self

    def sends(self, request: DeltaRequest | StateRequest) -> None:
        if self.session.node is not None:
            self._carry_out(self.session.receive(request, self.agent.now_s))
            return
        self._carry_out(self.session.receive(replace(request, node=request.node or a_node()), self.agent.now_s))
        self._carry_out(self.session.serve(self.agent.catalogue, self.agent.now_s))

    def asks(self, type_url: TypeUrl, *names: str, having: dict[str, str] | None = None) -> None:
        """Incremental."""
        self.sends(DeltaRequest(type_url, names, initial_resource_versions=having or {}))

    def drops(self, type_url: TypeUrl, *names: str) -> None:
        self.sends(DeltaRequest(type_url, unsubscribe=names))

    def advances(self, now_s: float) -> None:
        if self.session.node is not None:
            self._carry_out(self.session.advance(now_s))

    def hears(self) -> list[Response]:
        """What it was sent since it last heard; it takes all of it, and what follows."""
        heard = []
        while self.inbox:
            response = self.inbox.popleft()
            heard.append(response)
            self.sends(DeltaRequest(response.type_url, response_nonce=response.nonce))
        return heard

    def _carry_out(self, plan: Plan) -> None:
        assert plan.close is None
        self.plans.append(plan)
        self.inbox.extend(plan.responses)
        self.sent.extend(plan.responses)
        self.wake_at_s = plan.wake_at_s
        self.agent.observes(self.member, self.session, plan)
