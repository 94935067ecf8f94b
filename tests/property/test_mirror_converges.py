"""Server, agent, local clients: whatever is published, asked for, refused, lost on either hop or pinned, it converges.

Nothing that upstream always had is told missing, no version of what is wanted all the time goes back but by a pin, and
nothing is asked for upstream that nobody wants here.
"""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.mirrors import Agent, Local
from tests.property.test_protocol_converges import resource
from xds.protocol.catalogue import Catalogue
from xds.protocol.interest import WILDCARD
from xds.protocol.plan import Response, Settled
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, GroupName, TypeUrl
from xds.protocol.variant import Variant

TYPES = (CLUSTER, ENDPOINT, LISTENER, ROUTE)
NAMES = ("always", "b", "c")
FULL = (CLUSTER, LISTENER)
Key = tuple[TypeUrl, str]
types = st.sampled_from(TYPES)
names = st.sampled_from(NAMES)
names_and_all = st.sampled_from((*NAMES, WILDCARD))
wishes = st.sets(names_and_all, max_size=3)
openings = st.tuples(st.integers(0, 2), types, wishes)


class Client:
    """A local client and what it holds, over the life of its streams."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.held: dict[TypeUrl, dict[str, str]] = {url: {} for url in TYPES}
        self.wants: dict[TypeUrl, set[str]] = {}
        self.last: dict[TypeUrl, Response] = {}

    def is_wanted(self, url: TypeUrl, name: str) -> bool:
        return not self.wants.get(url, set()).isdisjoint((name, WILDCARD))

    def request(self, url: TypeUrl, added: set[str], dropped: set[str], bring: bool) -> DeltaRequest | StateRequest:
        held = self.held[url]
        self.wants[url] = self.wants.get(url, set()) - dropped | added
        for name in [name for name in held if not self.is_wanted(url, name)]:
            del held[name]
        if self.variant is Variant.DELTA:
            having = dict(held) if bring else {}
            return DeltaRequest(url, tuple(sorted(added)), tuple(sorted(dropped)), initial_resource_versions=having)
        last = self.last.get(url)
        said = (last.version, last.nonce) if last else ("", "")
        return StateRequest(url, said[0], tuple(sorted(self.wants[url])), said[1])

    def verdict(self, response: Response, error: ErrorDetail | None) -> DeltaRequest | StateRequest:
        url = response.type_url
        self.last[url] = response
        if self.variant is Variant.DELTA:
            return DeltaRequest(url, response_nonce=response.nonce, error_detail=error)
        return StateRequest(url, response.version, tuple(sorted(self.wants[url])), response.nonce, error)

    def take(self, response: Response) -> None:
        url, held = response.type_url, self.held[response.type_url]
        if self.variant is Variant.STATE_OF_THE_WORLD and (url in FULL or WILDCARD in self.wants[url]):
            held.clear()
        held.update({one.name: one.version for one in response.resources if self.is_wanted(url, one.name)})
        for name in response.removed:
            held.pop(name, None)


class Mirrors(RuleBasedStateMachine):
    @initialize(
        verdicts=st.booleans(), stocked=st.booleans(), may_pin=st.booleans(), first=st.lists(openings, max_size=4)
    )
    def start(self, verdicts: bool, stocked: bool, may_pin: bool, first: list[tuple[int, TypeUrl, set[str]]]) -> None:
        self.contents = count(1)
        self.age: dict[str, int] = {}  # of a version: later content has a higher number
        self.servers = [Catalogue(GroupName("edge")) for _ in range(2)]  # the second may be behind
        self.state: dict[Key, Resource] = {}
        self.publish_all([(url, name, True, "b") for url in TYPES for name in NAMES])
        self.catch_up()
        seed = self.state.values() if stocked else ()
        self.agent = Agent(floor=1 if stocked else 0, seed=seed, awaits_verdicts=verdicts)
        self.streams = count(1)
        self.clients = [Client(Variant.DELTA), Client(Variant.STATE_OF_THE_WORLD), Client(Variant.DELTA)]
        self.locals: list[Local] = []
        for client in self.clients:
            self.locals.append(self.open_stream(client))
        self.connected = False
        self.may_pin, self.was_pinned = may_pin, False
        self.generation: tuple[int, tuple[Resource, ...]] | None = None
        self.told: dict[tuple[int, Key], int] = {}
        self.refusals: set[Key] = set()
        self.reconnect(0)
        for who, url, names in first:
            self.wish(url, who, names, set())

    def open_stream(self, client: Client) -> Local:
        client.last = {}
        return Local(self.agent, next(self.streams), client.variant)

    def publish_all(self, changes: list[tuple[TypeUrl, str, bool, str]]) -> None:
        for url, name, exists, other in changes:
            if exists or name == "always":
                new = resource(url, name, f"u{next(self.contents)}", other)
                self.state[url, name] = new
                self.age[new.version] = next(self.contents)
            else:
                self.state.pop((url, name), None)
        self.servers[0].load(self.servers[0].revision + 1, self.state.values())

    def catch_up(self) -> None:
        first = self.servers[0]
        whole = [one for url in TYPES for one in first.served(url).resources.values()]
        for one in whole:
            self.age.setdefault(one.version, 0)  # assignments that stand for none
        self.servers[1].load(first.revision, self.state.values())

    @rule(changes=st.lists(st.tuples(types, names, st.booleans(), names), max_size=4), replicated=st.booleans())
    def publish(self, changes: list[tuple[TypeUrl, str, bool, str]], replicated: bool) -> None:
        self.publish_all(changes)
        if replicated:
            self.catch_up()
        self.agent.upstream_moves()

    @rule(server=st.sampled_from((0, 1, None)))
    def reconnect(self, server: int | None) -> None:
        if self.connected:
            self.agent.disconnects()
        self.connected = server is not None
        if server is not None:
            self.agent.connects_to(self.servers[server])
        self.look()

    @rule(url=types, who=st.integers(0, 2), added=wishes, dropped=wishes)
    def wish(self, url: TypeUrl, who: int, added: set[str], dropped: set[str]) -> None:
        client = self.clients[who]
        opening = url not in client.wants
        if client.variant is Variant.STATE_OF_THE_WORLD:
            added = added or client.wants.get(url, set()) or {"b"}
        elif opening:
            added = added or {WILDCARD}
        self.locals[who].sends(client.request(url, added, dropped - added, opening))
        self.look()

    @precondition(lambda self: self.connected)
    @rule(ups=st.integers(0, 6), downs=st.integers(0, 6))
    def flow(self, ups: int, downs: int) -> None:
        for _ in range(ups):
            self.agent.goes_up()
        for _ in range(downs):
            self.agent.goes_down()
            self.connected = not self.agent.abandoned
            self.agent.abandoned.clear()
            self.look()
            if not self.connected:
                return

    @precondition(lambda self: self.connected)
    @rule()
    def flow_on(self) -> None:
        self.flow(9, 9)

    @rule(refuse=st.booleans())
    def settle(self, refuse: bool) -> None:
        self.agent.settles(ErrorDetail(3, "no good") if refuse else None)

    @rule(refuse=st.sampled_from((None, None, 0, 1, 2)))
    def answer_all(self, refuse: int | None) -> None:
        for who in range(3):
            for _ in range(len(self.locals[who].inbox)):
                self.answer(who, refuse=who == refuse)

    @rule(who=st.integers(0, 2), refuse=st.booleans())
    def answer(self, who: int, refuse: bool) -> None:
        client, local = self.clients[who], self.locals[who]
        if not local.inbox:
            return
        response = local.inbox.popleft()
        if refuse and response.resources:
            self.refusals |= {(response.type_url, one.name) for one in response.resources}
            local.sends(client.verdict(response, ErrorDetail(3, "no good")))
        else:
            client.take(response)
            local.sends(client.verdict(response, None))
        self.look()

    @rule(who=st.integers(0, 2), stays_s=st.sampled_from((None, 5.0)), bring=st.booleans())
    def reopen(self, who: int, stays_s: float | None, bring: bool) -> None:
        client, local = self.clients[who], self.locals[who]
        self.agent.loses(local.member, self.agent.now_s + stays_s if stays_s else None)
        self.forget_what_nobody_wants()
        self.locals[who] = self.open_stream(client)
        wants, client.wants = client.wants, {}
        if not bring:
            client.held = {url: {} for url in TYPES}
        for url in sorted(wants, key=TYPES.index):
            if wants[url]:
                self.locals[who].sends(client.request(url, wants[url], set(), bring))
            else:
                client.held[url] = {}
        self.look()

    @rule(seconds=st.sampled_from((0.1, 3.0, 6.0)), forget=st.booleans())
    def wait(self, seconds: float, forget: bool = False) -> None:
        self.agent.now_s += seconds
        if forget:
            self.agent.forgets_unwanted()
        self.agent.wants.expire(self.agent.now_s)
        self.agent.upstream_moves()
        for local in self.locals:
            local.advances(self.agent.now_s)
        self.look()

    @precondition(lambda self: self.may_pin)
    @rule()
    def keep(self) -> None:
        self.generation = self.agent.mirror.floor, tuple(self.agent.mirror.everything_held())

    @precondition(lambda self: self.generation is not None and not self.agent.is_pinned)
    @rule()
    def pin(self) -> None:
        revision, resources = self.generation or (0, ())
        self.was_pinned = True
        self.agent.pins(max(revision, 1), resources)
        self.look()

    @precondition(lambda self: self.agent.is_pinned)
    @rule()
    def unpin(self) -> None:
        self.agent.unpins()
        self.look()

    def look(self) -> None:
        """What was sent since this was last looked at."""
        for who, local in enumerate(self.locals):
            for response in local.sent:
                self.is_no_step_back(who, response)
            local.sent.clear()
        self.forget_what_nobody_wants()

    def forget_what_nobody_wants(self) -> None:
        """What is wanted no more is unknown from then on: a server that is behind may tell it anew."""
        for who, (url, name) in list(self.told):
            if self.agent.wants.names(url).isdisjoint((name, WILDCARD)):
                del self.told[who, (url, name)]

    def is_no_step_back(self, who: int, response: Response) -> None:
        client, url = self.clients[who], response.type_url
        for one in response.resources:
            age, key = self.age.get(one.version, 0), (who, (url, one.name))
            assert self.was_pinned or not age or age >= self.told.get(key, 0), "that is an older version"
            self.told[key] = age
        absent = {*response.removed, *(error.name for error in response.errors)}
        if client.variant is Variant.STATE_OF_THE_WORLD and (url in FULL or WILDCARD in client.wants[url]):
            absent |= client.held[url].keys() - {one.name for one in response.resources}
        lost = "always" in absent and client.is_wanted(url, "always")
        assert self.was_pinned or not lost, "upstream has it, and always had"

    def teardown(self) -> None:
        if not hasattr(self, "clients"):
            return
        self.agent.now_s += 10
        self.agent.wants.expire(self.agent.now_s)
        if self.agent.is_pinned:
            self.agent.unpins()
        there = [(url, name) for url, name in self.refusals if name in self.servers[0].served(url).resources]
        fixes = [(url, name, True, "b") for url, name in sorted(there)]
        self.publish_all(fixes or [(LISTENER, "always", True, "b")])
        self.catch_up()
        self.reconnect(0)
        for _ in range(100):
            while self.is_busy():
                self.agent.settles_down()
                for who in range(3):
                    self.answer(who, refuse=False)
            times = [self.agent.upstream_moves().wake_at_s, *(local.wake_at_s for local in self.locals)]
            pending = [time_s for time_s in times if time_s is not None]
            if not pending and not self.is_busy():
                break
            self.wait(max(0.0, min(pending, default=0) - self.agent.now_s))
        else:
            raise AssertionError("it never comes to rest")
        assert self.agent.mirror.answered
        self.agent.forgets_unwanted()
        for client, local in zip(self.clients, self.locals, strict=True):
            self.check(client, local)
        for url in TYPES:
            asked = self.agent.mirror.held(url)
            wanted = self.agent.wants.names(url)
            served = self.servers[0].served(url).resources
            expected = served if WILDCARD in wanted else {name: served[name] for name in wanted if name in served}
            assert dict(asked) == dict(expected)

    def is_busy(self) -> bool:
        agent = self.agent
        return bool(agent.requests or agent.responses or agent.unsettled or any(one.inbox for one in self.locals))

    def check(self, client: Client, local: Local) -> None:
        settled = {seen.type_url for plan in local.plans for seen in plan.observations if isinstance(seen, Settled)}
        for url in client.wants:
            served = self.servers[0].served(url).resources
            expected = {name: one.version for name, one in served.items() if client.is_wanted(url, name)}
            held = client.held[url]
            if client.variant is Variant.STATE_OF_THE_WORLD and not (url in FULL or WILDCARD in client.wants[url]):
                held = {name: version for name, version in held.items() if name in served}
            assert held == expected, repr(local.session)
            assert url in settled or not client.wants[url]


Mirrors.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMirrors = Mirrors.TestCase
