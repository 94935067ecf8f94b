"""Whatever is published while an Envoy asks for hosts: it has the virtual hosts that they stand for, and none else.

No host waits for ever, and no response gives two virtual hosts one domain: Envoy would refuse all of it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.builders import a_node, shop_host
from tests.mirrors import Agent, Local
from xds.protocol.aliases import AliasIndex
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Plan, Response
from xds.protocol.requests import DeltaRequest
from xds.protocol.resource import Resource
from xds.protocol.session import Session, Variant
from xds.protocol.types import VIRTUAL_HOST, GroupName

DOMAINS = ("www.a", "*.a", "www.*", "*", "www.b")
HOSTS = ("www.a", "api.a", "www.c", "other", "www.b", "www.b:80", "one")
NAMES = ("one", "two", "three")

snapshots = st.builds(
    lambda owners, on_demand, content: [
        shop_host(
            name,
            *(domain for domain, owner in zip(DOMAINS, owners, strict=True) if owner == name),
            content=content,
            on_demand=name in on_demand,
        )
        for name in NAMES
        if name in owners
    ],
    st.tuples(*(st.sampled_from((*NAMES, "")) for _ in DOMAINS)),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from("ab"),
)


class Follows(RuleBasedStateMachine):
    @initialize(serving=snapshots)
    def start(self, serving: list[Resource]) -> None:
        self.catalogue = Catalogue(GroupName("edge"))
        self.publish_whole(serving)
        self.held: dict[str, str] = {}
        self.unresolved: set[str] = set()
        self.asked: set[str] = set()
        self.connect()

    def publish_whole(self, serving: list[Resource]) -> None:
        self.serving = {resource.name: resource for resource in serving}
        self.by_version = {**getattr(self, "by_version", {}), **{one.version: one for one in serving}}
        self.catalogue.load(self.catalogue.revision + 1, serving)

    def connect(self) -> None:
        self.open_session()
        having = {**self.held, **dict.fromkeys(self.unresolved & self.asked, "")}
        self.waiting = {name for name in self.asked if name not in having and not self.routes(name)}
        subscribe = ("*", *sorted(self.asked)) if self.asked else ()
        self.say(DeltaRequest(VIRTUAL_HOST, subscribe, initial_resource_versions=having))

    def open_session(self) -> None:
        self.session = Session(Variant.DELTA, count(1))
        self.inbox: deque[Response] = deque()

    def say(self, request: DeltaRequest) -> None:
        if self.session.node is not None:
            self.arrive(self.session.receive(request, 0))
            return
        self.arrive(self.session.receive(replace(request, node=a_node()), 0))
        self.arrive(self.session.serve(self.catalogue, 0))

    def advance(self) -> None:
        self.arrive(self.session.advance(0))

    def routes(self, name: str) -> bool:
        """Whether Envoy has a virtual host for this name, and asks for none."""
        held = AliasIndex()
        for version in self.held.values():
            held.replace(None, self.by_version[version])
        return bool(held.targets(name))

    def arrive(self, plan: Plan) -> None:
        assert plan.close is None
        self.inbox.extend(plan.responses)

    @rule(host=st.sampled_from(HOSTS))
    def ask(self, host: str) -> None:
        self.asked.add(f"shop/{host}")
        self.waiting.add(f"shop/{host}")
        self.say(DeltaRequest(VIRTUAL_HOST, subscribe=(f"shop/{host}",)))

    @rule()
    def ask_for_everything(self) -> None:
        self.say(DeltaRequest(VIRTUAL_HOST, subscribe=("*",)))

    @rule(serving=snapshots)
    def publish(self, serving: list[Resource]) -> None:
        self.publish_whole(serving)
        self.advance()

    @rule()
    def answer(self) -> None:
        if self.inbox:
            response = self.inbox.popleft()
            self.take(response)
            self.say(DeltaRequest(VIRTUAL_HOST, response_nonce=response.nonce))

    @rule()
    def reconnect(self) -> None:
        self.connect()

    def take(self, response: Response) -> None:
        told = Counter([*(one.name for one in response.resources), *response.removed, *response.unresolved])
        assert max(told.values(), default=1) == 1, f"a name twice in {response}"
        for name in response.removed:
            self.held.pop(name, None)
        for resource in response.resources:
            self.held[resource.name] = resource.version
        domains = Counter(alias for version in self.held.values() for alias in self.by_version[version].aliases)
        assert max(domains.values(), default=1) == 1, f"{domains} by {response}"
        self.unresolved = (self.unresolved | set(response.unresolved)) - told.keys() | set(response.unresolved)
        self.waiting -= {alias for _, aliases in response.aliases for alias in aliases}
        self.waiting -= {*told} - {*response.removed}

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        while self.inbox:
            self.answer()
        wanted = {name for name, resource in self.serving.items() if not resource.on_demand}
        served = self.catalogue.served(VIRTUAL_HOST)
        for name in self.asked:
            wanted |= {name} if name in self.serving else served.aliases.targets(name)
        assert self.held == {name: self.serving[name].version for name in wanted}
        assert self.waiting == set()


class FollowsThroughAnAgent(Follows):
    """The same, with an agent in between that mirrors the server."""

    def publish_whole(self, serving: list[Resource]) -> None:
        super().publish_whole(serving)
        if hasattr(self, "agent"):
            self.agent.upstream_moves()

    def connect(self) -> None:
        if not hasattr(self, "agent"):
            self.agent = Agent()
            self.agent.connects_to(self.catalogue)
        else:
            self.agent.loses(self.local.member, until_s=1)  # who follows takes over what was wanted
        self.local = Local(self.agent, object(), Variant.DELTA)
        self.session = self.local.session
        super().connect()

    def open_session(self) -> None:
        self.inbox = self.local.inbox

    def say(self, request: DeltaRequest) -> None:
        self.local.sends(request)

    def advance(self) -> None:
        self.agent.goes_up()

    @rule(steps=st.integers(1, 5))
    def flow(self, steps: int) -> None:
        for _ in range(steps):
            self.agent.goes_up()
            self.agent.goes_down()

    @rule()
    def reconnect_upstream(self) -> None:
        self.agent.disconnects()
        self.agent.connects_to(self.catalogue)

    def teardown(self) -> None:
        while hasattr(self, "agent") and (self.agent.requests or self.agent.responses or self.inbox):
            self.agent.settles_down()
            self.answer()
        super().teardown()


Follows.TestCase.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestFollows = Follows.TestCase
FollowsThroughAnAgent.TestCase.settings = Follows.TestCase.settings
TestFollowsThroughAnAgent = FollowsThroughAnAgent.TestCase
