"""Whatever the order of requests, answers, publishes, endpoint sets, reconnects: the client ends with what it wants."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.builders import (
    a_node,
    assignment,
    cluster,
    extension,
    listener,
    route,
    runtime,
    scoped_route,
    secret,
)
from xds.protocol.assignments import empty_assignment
from xds.protocol.catalogue import Catalogue
from xds.protocol.holding import Hold
from xds.protocol.plan import Plan, Response, Sent
from xds.protocol.requests import DeltaRequest, ErrorDetail, StateRequest
from xds.protocol.resource import Reference, Resource
from xds.protocol.session import Limits, Session, Variant
from xds.protocol.types import (
    BY_URL,
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    RUNTIME,
    SCOPED_ROUTE,
    SECRET,
    VIRTUAL_HOST,
    GroupName,
    TypeUrl,
)

TYPES = tuple(BY_URL)
NAMES = ("a", "b", "c")
WILD = tuple(url for url, row in BY_URL.items() if row.legacy_wildcard)
FULL = tuple(url for url, row in BY_URL.items() if row.full_state)
KEPT = (SECRET, EXTENSION)
CURRENT = Hold.CURRENT
types = st.sampled_from(TYPES)
names = st.sampled_from(NAMES)
names_and_all = st.sampled_from((*NAMES, "*"))


def resource(url: TypeUrl, name: str, content: str, other: str) -> Resource:
    build = {
        CLUSTER: lambda: cluster(name, content, endpoints=other, secret=other if content == "w" else ""),
        ENDPOINT: lambda: assignment(name, content),
        LISTENER: lambda: listener(
            name,
            content,
            route=other,
            secret=other if content == "v" else "",
            extension=other if content == "w" else "",
        ),
        ROUTE: lambda: route(name, content, to=(other,)),
        SCOPED_ROUTE: lambda: scoped_route(name, content, route=other),
        VIRTUAL_HOST: lambda: Resource.of(url, name, f"{name} {content}".encode(), (Reference(CLUSTER, other),)),
        SECRET: lambda: secret(name, content),
        EXTENSION: lambda: extension(name, content),
        RUNTIME: lambda: runtime(name, content),
    }
    return build[url]()


def note(known: dict[str, Resource], changes: Mapping[str, Resource | None]) -> None:
    for name, new in changes.items():
        known.pop(name, None)
        if new is not None:
            known[name] = new


class Client:
    """A client that keeps the protocol: it applies what it takes, in order, and remembers what it has."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.held: dict[TypeUrl, dict[str, str]] = {url: {} for url in TYPES}
        self.wants: dict[TypeUrl, set[str]] = {}  # "*" is one of the names
        self.named: set[TypeUrl] = set()
        self.inbox: deque[Response] = deque()
        self.last: dict[TypeUrl, Response] = {}
        self.versions: dict[TypeUrl, str] = {}  # of the last state that it took all of
        self.sent: dict[tuple[TypeUrl, str], str] = {}  # the version last sent, since when it was not removed
        self.changes: Counter[tuple[TypeUrl, str]] = Counter()

    def take(self, response: Response, refused: str | None) -> None:
        url = response.type_url
        brought = {one.name: one.version for one in response.resources}
        wanted = self.wants[url]
        held = self.held[url]
        if self.variant is Variant.STATE_OF_THE_WORLD and (url in FULL or "*" in wanted):
            for name in held.keys() - brought.keys():
                del held[name]
        for name, version in brought.items():
            if name != refused and (name in wanted or "*" in wanted):
                held[name] = version
        for name in response.removed:
            held.pop(name, None)


class Converges(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.culprits: set[tuple[TypeUrl, str]] = set()

    @initialize(variant=st.sampled_from(Variant))
    def start(self, variant: Variant) -> None:
        self.catalogue = Catalogue(GroupName("edge"))
        self.catalogue.load(1, [resource(url, "a", "u", "a") for url in TYPES])
        self.configured = {"a": resource(ENDPOINT, "a", "u", "a")}
        self.sets: dict[str, Resource] = {}
        self.client = Client(variant)
        self.connect()

    def connect(self) -> None:
        self.session = Session(self.client.variant, count(1), limits=Limits(response_bytes=400))
        self.introduced = False
        self.answered: set[TypeUrl] = set()  # on this stream
        self.client.inbox.clear()
        self.client.last = {}
        self.client.sent = {}

    def send(self, url: TypeUrl, *, asked: bool = True, **fields: object) -> None:
        kind = DeltaRequest if self.client.variant is Variant.DELTA else StateRequest
        node = None if self.introduced else a_node()
        self.arrive(self.session.receive(kind(url, node=node, **fields), self.now_s), asked=asked)
        if not self.introduced:
            self.introduced = True
            self.arrive(self.session.serve(self.catalogue, self.now_s), asked=asked)

    def arrive(self, plan: Plan, *, asked: bool = False) -> None:
        assert plan.close is None
        if not asked:
            self.removals_are_last(plan)
            self.nothing_is_sent_twice(plan)
        for response in plan.responses:
            for one in response.resources:
                self.client.sent[response.type_url, one.name] = one.version
                self.client.changes[response.type_url, one.name] = 0
            self.is_the_newest(response)
        for response in plan.responses:
            told = [one.name for one in response.resources] + list(response.removed)
            assert len(told) == len(set(told)), "a name twice in one response"
            if response.type_url in self.client.wants:  # what it never asked for, a client drops in silence
                self.client.inbox.append(response)
        stands = [(seen.revision, seen.position) for seen in plan.observations if isinstance(seen, Sent)]
        assert all(stand == (self.catalogue.revision, self.catalogue.position) for stand in stands)
        self.answered |= {response.type_url for response in plan.responses}
        self.wake_at_s = plan.wake_at_s

    def is_the_newest(self, response: Response) -> None:
        """No client sees a version go back, for only what is served now is sent; a full state keeps what goes last."""
        served = self.catalogue.served(response.type_url).resources
        full_state = self.tells_all(response.type_url)
        for one in response.resources:
            assert served.get(one.name, one if full_state else None) == one, "that is not what is served"
        gone = served.keys() & set(response.removed)
        assert not any(self.is_wanted(response.type_url, name) for name in gone), "what is served was told as gone"

    def is_wanted(self, url: TypeUrl, name: str) -> bool:
        return not self.client.wants.get(url, {name}).isdisjoint((name, "*"))

    def tells_all(self, url: TypeUrl) -> bool:
        """Whether a response is the full state to this client (rule 17)."""
        return self.client.variant is Variant.STATE_OF_THE_WORLD and (url in FULL or self.wants_all(url))

    def removals_are_last(self, plan: Plan) -> None:
        """But for a client that comes back, whose first answers may take away what nothing refers to any more."""
        removes = [bool(response.removed) for response in plan.responses if response.type_url in self.answered]
        assert removes == sorted(removes), "something was added after a removal"

    def nothing_is_sent_twice(self, plan: Plan) -> None:
        for response in plan.responses:
            url = response.type_url
            if url == ENDPOINT or self.tells_all(url):  # rules 25 and 17
                continue
            for one in response.resources:
                if self.client.changes[url, one.name] <= 3:  # the log sees through that many changes and back
                    assert self.client.sent.get((url, one.name)) != one.version, "it has that already"

    def wants_all(self, url: TypeUrl) -> bool:
        return "*" in self.client.wants.get(url, ())

    def subscribe_to(self, url: TypeUrl, added: set[str], dropped: set[str], brought: dict[str, str]) -> None:
        client = self.client
        opening = url not in client.wants
        wants = client.wants.setdefault(url, set())
        held = client.held[url]
        wants -= dropped
        wants |= added
        if not wants and url in WILD and (opening or (client.variant is not Variant.DELTA and url not in client.named)):
            wants.add("*")
        for name in [name for name in held if name not in wants and "*" not in wants]:
            del held[name]
        for name in dropped:
            client.sent.pop((url, name), None)
        if client.variant is Variant.DELTA:
            self.send(
                url,
                subscribe=tuple(sorted(added)),
                unsubscribe=tuple(sorted(dropped)),
                initial_resource_versions=brought,
            )
        else:
            last = client.last.get(url)
            legacy = url in WILD and url not in client.named and wants == {"*"}
            client.named |= set() if legacy else {url}
            self.send(
                url,
                resource_names=() if legacy else tuple(sorted(wants)),
                response_nonce=last.nonce if last else "",
                version_info=last.version if last else client.versions.get(url, ""),
            )

    @rule(url=types, added=st.sets(names_and_all, max_size=3), dropped=st.sets(names_and_all, max_size=2))
    def change_subscription(self, url: TypeUrl, added: set[str], dropped: set[str]) -> None:
        if url not in self.client.wants and url not in WILD:
            added = added or {"a"}
        self.subscribe_to(url, added, dropped - added, {})

    @rule(changes=st.lists(st.tuples(types, names, st.sampled_from("uvw-"), names), min_size=1, max_size=6))
    def publish(self, changes: list[tuple[TypeUrl, str, str, str]]) -> None:
        after = {
            (url, name): None if what == "-" else resource(url, name, what, ref) for url, name, what, ref in changes
        }
        pairs = [(self.catalogue.served(url).resources.get(name), new) for (url, name), new in after.items()]
        self.catalogue.advance(self.catalogue.revision + 1, [(old, new) for old, new in pairs if old or new])
        for (url, name), new in after.items():
            self.client.changes[url, name] += 1
            if new is None:
                self.client.sent.pop((url, name), None)
        note(self.configured, {name: new for (url, name), new in after.items() if url == ENDPOINT})
        if self.introduced:
            self.arrive(self.session.advance(self.now_s))

    @rule(changes=st.dictionaries(names, st.sampled_from("uvw-"), min_size=1))
    def set_endpoints(self, changes: dict[str, str]) -> None:
        sets = {name: None if what == "-" else resource(ENDPOINT, name, what, "") for name, what in changes.items()}
        before = self.catalogue.revision, self.catalogue.served(ENDPOINT).version
        changed = self.catalogue.set_endpoints(sets.items())
        note(self.sets, sets)
        after = self.catalogue.revision, self.catalogue.served(ENDPOINT).version
        assert (before != after, before[0]) == (bool(changed), after[0])
        if self.introduced and self.session.is_concerned():
            assert changed
            self.arrive(self.session.advance(self.now_s))

    @precondition(lambda self: self.introduced and self.client.inbox)
    @rule(refuse=st.booleans(), which=st.integers(0, 5))
    def answer(self, refuse: bool, which: int) -> None:
        response = self.client.inbox.popleft()
        url = response.type_url
        culprit = None
        if refuse and response.resources:
            culprit = response.resources[which % len(response.resources)].name
            self.culprits.add((url, culprit))
        self.client.take(response, culprit)
        self.client.versions[url] = "" if culprit else response.version
        error = ErrorDetail(3, f"{culprit} is bad") if culprit else None
        self.client.last[url] = response
        if self.client.variant is Variant.DELTA:
            self.send(url, asked=False, response_nonce=response.nonce, error_detail=error)
            return
        wants = self.client.wants[url]
        legacy = url in WILD and url not in self.client.named
        resource_names = () if legacy else tuple(sorted(wants))
        self.send(
            url,
            resource_names=resource_names,
            response_nonce=response.nonce,
            error_detail=error,
            version_info=response.version,
        )

    @rule(seconds=st.sampled_from((0.1, 3.0, 6.0)))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        if self.introduced:
            self.arrive(self.session.advance(self.now_s))

    @precondition(lambda self: self.introduced)
    @rule(how=st.sampled_from(("truthful", "stale", "lying", "forgetful")), order=st.permutations(TYPES))
    def reconnect(self, how: str, order: list[TypeUrl]) -> None:
        client = self.client
        self.connect()
        wants, client.wants, client.named = client.wants, {}, set()
        for url in order:
            if url not in wants:
                continue
            brought = dict(client.held[url])
            if how == "stale":
                brought = dict.fromkeys(brought, "older")
            if how == "lying":
                brought |= {"ghost": "1", "c": "never was"}
            if how == "forgetful" or (how != "truthful" and client.variant is Variant.STATE_OF_THE_WORLD):
                brought = {}
                client.held[url], client.versions[url] = {}, {"lying": "never was"}.get(how, "")
            elif how == "lying":
                client.held[url] = dict(brought)
            if not wants[url] and url in WILD:
                client.held[url] = {}
                continue
            self.subscribe_to(url, wants[url], set(), brought)

    @invariant()
    def served_endpoints_are_those_that_count(self) -> None:
        if not hasattr(self, "catalogue"):
            return
        clusters = self.catalogue.served(CLUSTER).resources.values()
        referred = {one.name for cluster in clusters for one in cluster.references if one.type_url == ENDPOINT}
        empty = {name: empty_assignment(name) for name in referred}
        standing = {name: one for name, one in self.sets.items() if name in referred}
        assert self.catalogue.served(ENDPOINT).resources == empty | self.configured | standing

    @invariant()
    def cursors_stay_within_the_catalogue(self) -> None:
        if not hasattr(self, "session"):
            return
        for one in self.session._subscriptions.values():
            assert one.gone_to <= self.catalogue.position
            assert one.sent_to <= self.catalogue.position

    def teardown(self) -> None:
        if not getattr(self, "introduced", False):
            return
        fixes = [(url, name) for url, name in self.culprits if name in self.catalogue.served(url).resources]
        served = self.catalogue.served
        after = [(served(url).resources[name], resource(url, name, f"fixed {url}", "a")) for url, name in fixes]
        self.catalogue.advance(self.catalogue.revision + 1, after)
        self.catalogue.set_endpoints(
            (name, new) for old, new in after for name in self.sets if name == new.name and new.type_url == ENDPOINT
        )
        self.arrive(self.session.advance(self.now_s))
        for _ in range(60):
            while self.client.inbox:
                self.answer(refuse=False, which=0)
            if self.wake_at_s is None:
                break
            self.now_s = self.wake_at_s
            self.arrive(self.session.advance(self.now_s))
        assert self.wake_at_s is None, "the session never comes to rest"
        for url, wanted in self.client.wants.items():
            self.check(url, wanted)

    def check(self, url: TypeUrl, wanted: set[str]) -> None:
        resources = self.catalogue.served(url).resources
        expected = {name: one.version for name, one in resources.items() if name in wanted or "*" in wanted}
        held = dict(self.client.held[url])
        kept = {name for name in held.keys() - expected.keys() if self.may_keep(url, name)}
        assert {name: version for name, version in held.items() if name not in kept} == expected, repr(self.session)
        told = {one.name: one.version for one in self.session.holdings() if (one.type_url, one.hold) == (url, CURRENT)}
        # Nobody says which part of a response was refused: all of it is told so, until newer content was taken.
        assert told == expected or url in {refused for refused, _ in self.culprits}, "what is told of the client"

    def may_keep(self, url: TypeUrl, name: str) -> bool:
        """A partial state of the world removes nothing, and a secret in use is not taken away."""
        partial = self.client.variant is Variant.STATE_OF_THE_WORLD and not self.tells_all(url)
        return partial or (url in KEPT and self.catalogue.is_referred_to(url, name))


TestConverges = Converges.TestCase
TestConverges.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
