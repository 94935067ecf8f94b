"""An agent between two servers, one of which may be behind, and a relay that may be halfway through a revision.

Whatever it hears from whom, nothing that it holds is older than what it held before, and nothing that went comes back.
And who has all of the newest revision is never refused.
"""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.mirrors import Agent
from tests.property.test_protocol_converges import resource
from xds.client.answers import Received
from xds.protocol.catalogue import Catalogue
from xds.protocol.interest import WILDCARD
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, LISTENER, ROUTE, GroupName, TypeUrl

TYPES = (CLUSTER, LISTENER, ROUTE)
NAMES = ("a", "b", "c")
Key = tuple[TypeUrl, str]
WISHES: dict[TypeUrl, tuple[set[str], ...]] = {
    CLUSTER: ({WILDCARD}, {WILDCARD, "c"}, {"a", "b"}),
    LISTENER: ({WILDCARD},),
    ROUTE: ({"a"}, {"a", "b", "c"}, {"c"}),
}
SERVER, REPLICA, RELAY = "server", "replica", "relay"
steps = st.integers(0, 2)
changes = st.dictionaries(st.tuples(st.sampled_from(TYPES), st.sampled_from(NAMES)), st.booleans(), max_size=6)


class Site(RuleBasedStateMachine):
    @initialize(first=changes)
    def start(self, first: dict[Key, bool]) -> None:
        self.contents = count(1)
        self.state: dict[Key, Resource] = {}
        self.published: dict[str, int] = {}  # of a version: in which revision it came
        self.gone: dict[Key, int] = {}  # in which it went, last
        self.servers = {SERVER: Catalogue(GroupName("edge")), REPLICA: Catalogue(GroupName("edge"))}
        self.publish({(url, "a"): True for url in TYPES} | first)
        self.replicate()
        self.relay = Agent()
        self.relay.catalogue.is_old = True
        self.restart(forgets=False)
        self.connect_relay(SERVER)

    def restart(self, forgets: bool) -> None:
        """`forgets`: what it held is not on its disk; which revision it had is."""
        before: Agent | None = getattr(self, "agent", None)
        held = tuple(before.mirror.everything_held()) if before and not forgets else ()
        if before is not None and self.connected:
            before.disconnects()
        self.agent = Agent(floor=before.mirror.floor if before else 0, seed=held)
        self.connected = ""
        self.known: dict[Key, int] = {}
        for one in held:
            self.known[one.type_url, one.name] = self.published[one.version]
        for url, wishes in WISHES.items():
            self.wish(url, len(wishes) - 1)

    def wish(self, url: TypeUrl, which: int) -> None:
        names = WISHES[url][which % len(WISHES[url])]
        self.agent.wants.put("envoy", url, WILDCARD in names, names - {WILDCARD})
        self.agent.wants_something_else()
        self.forget_what_is_not_held()

    def forget_what_is_not_held(self) -> None:
        """What is wanted no more is unknown from then on."""
        for url, name in list(self.known):
            if not self.agent.wants.names(url) & {name, WILDCARD}:
                del self.known[url, name]

    @rule(url=st.sampled_from(TYPES), which=st.integers(0, 2))
    def wants_something_else(self, url: TypeUrl, which: int) -> None:
        self.wish(url, which)

    @rule(forgets=st.booleans())
    def the_agent_restarts(self, forgets: bool) -> None:
        self.restart(forgets)

    @rule(changed=changes, replicated=st.booleans())
    def publishes(self, changed: dict[Key, bool], replicated: bool) -> None:
        self.publish(changed)
        if replicated:
            self.replicate()
        self.upstreams_move()

    def publish(self, changed: dict[Key, bool]) -> None:
        revision = self.servers[SERVER].revision + 1
        for (url, name), exists in sorted(changed.items()):
            if exists:
                self.state[url, name] = resource(url, name, f"u{next(self.contents)}", "b")
                self.published[self.state[url, name].version] = revision
            elif self.state.pop((url, name), None) is not None:
                self.gone[url, name] = revision
        self.servers[SERVER].load(revision, self.state.values())

    @rule()
    def replicate(self) -> None:
        self.servers[REPLICA].load(self.servers[SERVER].revision, self.state.values())
        if hasattr(self, "relay"):
            self.upstreams_move()

    def upstreams_move(self) -> None:
        self.relay.upstream_moves()
        if self.connected:
            self.agent.upstream_moves()

    @rule(server=st.sampled_from((SERVER, REPLICA)))
    def connect_relay(self, server: str) -> None:
        self.relay.catalogue.is_old = True
        self.relay.disconnects()
        self.relay.connects_to(self.servers[server])

    @rule()
    def the_relay_hears_all(self) -> None:
        while self.relay.requests or self.relay.responses:
            self.the_relay_goes_on(1, 1)

    @rule(ups=steps, downs=steps)
    def the_relay_goes_on(self, ups: int, downs: int) -> None:
        relay = self.relay
        for _ in range(ups):
            relay.goes_up()
        for _ in range(downs):
            relay.goes_down()
            relay.settles(None)
            if relay.abandoned:
                relay.catalogue.is_old = True
                relay.abandoned.clear()
        self.settle_relay()
        self.upstreams_move()

    def settle_relay(self) -> None:
        """It has heard what differs: who was told something meanwhile comes again."""
        relay = self.relay
        if relay.catalogue.is_old and relay.mirror.answered and not (relay.requests or relay.responses):
            relay.catalogue.is_old, relay.catalogue.complete = False, relay.mirror.complete
            if self.connected == RELAY:
                self.agent.disconnects()
                self.connected = ""

    @rule(where=st.sampled_from((SERVER, REPLICA, RELAY)))
    def the_agent_moves(self, where: str) -> None:
        """And hears all that is known there."""
        self.the_agent_connects(where)
        while self.connected and (self.agent.requests or self.agent.responses):
            self.the_agent_goes_on(1, 1)

    @rule(where=st.sampled_from((SERVER, REPLICA, RELAY)))
    def the_agent_connects(self, where: str) -> None:
        if self.connected:
            self.agent.disconnects()
        self.agent.connects_to(self.relay if where == RELAY else self.servers[where])
        self.connected = where

    @precondition(lambda self: self.connected)
    @rule(ups=steps, downs=steps)
    def the_agent_goes_on(self, ups: int, downs: int) -> None:
        for _ in range(ups):
            self.agent.goes_up()
        for _ in range(downs):
            outcome = self.agent.goes_down()
            self.agent.settles(None)
            if isinstance(outcome, Received):
                self.look(outcome)
        if self.agent.abandoned:
            self.agent.abandoned.clear()
            self.connected = ""

    def look(self, received: Received) -> None:
        for before, after in received.changes:
            named = after or before
            assert named is not None
            key = named.type_url, named.name
            now = self.published[after.version] if after is not None else self.gone[key]
            assert now >= self.known.get(key, 0), f"{key} goes back to what it was in revision {now}"
            self.known[key] = now

    def teardown(self) -> None:
        if not hasattr(self, "agent"):
            return
        self.publish(dict.fromkeys(((url, name) for url in TYPES for name in NAMES), True))
        self.replicate()
        self.connect_relay(SERVER)
        self.the_agent_connects(RELAY)
        for _ in range(60):
            self.the_relay_goes_on(4, 4)
            if not self.connected:
                self.the_agent_connects(RELAY)
            self.the_agent_goes_on(4, 4)
        self.agent.forgets_unwanted()
        assert not self.relay.catalogue.is_old
        assert self.relay.mirror.complete == self.servers[SERVER].revision
        for url in TYPES:
            wanted = self.agent.wants.names(url)
            expected = {name for name in NAMES if not wanted.isdisjoint((name, WILDCARD))}
            held = self.agent.mirror.held(url)
            assert held == {name: self.state[url, name] for name in expected}


Site.TestCase.settings = settings(
    max_examples=400, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSite = Site.TestCase
