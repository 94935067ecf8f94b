"""A readable harness for the protocol core: the client says, the server answers. Time stands still unless told.

Names stand for whole resources: `edge.asks(CLUSTER).names == {"web"}`. Both variants speak through the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from tests.builders import a_node
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Close, Observation, Plan, Response
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node, StateRequest
from xds.protocol.resource import Resource
from xds.protocol.session import Limits, Session, Variant
from xds.protocol.siblings import Siblings
from xds.protocol.types import GroupName, TypeUrl

DELTA = Variant.DELTA
STATE = Variant.STATE_OF_THE_WORLD
Seen = TypeVar("Seen", bound=Observation)


@dataclass(frozen=True)
class Answer:
    """A plan, in the words of a test."""

    plan: Plan

    @property
    def responses(self) -> tuple[Response, ...]:
        return self.plan.responses

    @property
    def names(self) -> set[str]:
        """Of the resources in all responses."""
        return {resource.name for response in self.responses for resource in response.resources}

    @property
    def removed(self) -> set[str]:
        return {name for response in self.responses for name in response.removed}

    @property
    def types(self) -> list[TypeUrl]:
        return [response.type_url for response in self.responses]

    @property
    def close(self) -> Close | None:
        return self.plan.close

    @property
    def wake_at_s(self) -> float | None:
        return self.plan.wake_at_s

    @property
    def only(self) -> Response:
        (response,) = self.responses
        return response

    def of(self, type_url: TypeUrl) -> Answer:
        """The part of the answer that is about one type."""
        return Answer(Plan(responses=tuple(one for one in self.responses if one.type_url == type_url)))

    def seen(self, kind: type[Seen]) -> list[Seen]:
        return [observation for observation in self.plan.observations if isinstance(observation, kind)]


@dataclass
class Edge:
    """One client on one stream, and the group that it is served from."""

    variant: Variant
    catalogue: Catalogue
    session: Session
    in_group: bool = True
    node: Node | None = field(default_factory=a_node)
    now_s: float = 0.0
    wants: dict[TypeUrl, tuple[str, ...]] = field(default_factory=dict)
    last: dict[TypeUrl, Response] = field(default_factory=dict)
    siblings: Siblings | None = None

    def asks(
        self, type_url: TypeUrl, *names: str, having: Mapping[str, str] | None = None, version: str = ""
    ) -> Answer:
        """Subscribe: to everything when no name is given. `having`, `version`: what a client brings to a new stream."""
        self.wants[type_url] = tuple(dict.fromkeys((*self.wants.get(type_url, ()), *names)))
        if self.variant is DELTA:
            return self.sends(DeltaRequest(type_url, subscribe=names, initial_resource_versions=having or {}))
        return self.sends(self._state_request(type_url, version))

    def drops(self, type_url: TypeUrl, *names: str) -> Answer:
        """Unsubscribe."""
        self.wants[type_url] = tuple(name for name in self.wants[type_url] if name not in names)
        if self.variant is DELTA:
            return self.sends(DeltaRequest(type_url, unsubscribe=names))
        return self.sends(self._state_request(type_url))

    def acks(self, what: TypeUrl | Response) -> Answer:
        """Accept the last response of a type, or a certain one."""
        return self._replies(what, None)

    def nacks(self, what: TypeUrl | Response, because: str = "no good") -> Answer:
        return self._replies(what, ErrorDetail(3, because))

    def acks_all(self, answer: Answer) -> Answer:
        """Accept every response of an answer and of what follows, until the server has nothing to add."""
        followed: list[Response] = []
        observed: list[Observation] = []
        waiting = list(answer.responses)
        while waiting:
            plan = self.acks(waiting.pop(0)).plan
            followed += plan.responses
            observed += plan.observations
            waiting += plan.responses
        return Answer(Plan(tuple(followed), tuple(observed)))

    def is_served(self, *resources: Resource) -> Answer:
        """The group's whole snapshot is now this."""
        self.catalogue.load(self.catalogue.revision + 1, resources)
        return self._told(self.session.advance(self.now_s))

    def has_endpoints(self, *sets: Resource, cleared: Iterable[str] = ()) -> Answer:
        """Endpoint sets of the group were set, or cleared, apart from its configuration."""
        self.catalogue.set_endpoints([*((one.name, one) for one in sets), *((name, None) for name in cleared)])
        return self._told(self.session.advance(self.now_s))

    def waits(self, seconds: float) -> Answer:
        self.now_s += seconds
        return self._told(self.session.advance(self.now_s))

    def joins(self) -> Answer:
        """The client's group appears."""
        self.in_group = True
        return self._told(self.session.serve(self.catalogue, self.now_s))

    def reconnects(self) -> Edge:
        """The same client on a new stream."""
        return an_edge(self.variant, catalogue=self.catalogue)

    def sends(self, request: StateRequest | DeltaRequest) -> Answer:
        """A request as it is, with the node when it is the first."""
        if self.session.node is not None or request.node is not None or self.node is None:
            return self._told(self.session.receive(request, self.now_s))
        first = type(request)(**{**{name: getattr(request, name) for name in request.__slots__}, "node": self.node})
        before = self.session.receive(first, self.now_s)
        if not self.in_group or before.close:
            return self._told(before)
        after = self.session.serve(self.catalogue, self.now_s, self.siblings)
        both = (*before.responses, *after.responses), (*before.observations, *after.observations)
        return self._told(Plan(*both, wake_at_s=after.wake_at_s, close=after.close))

    def _replies(self, what: TypeUrl | Response, error: ErrorDetail | None) -> Answer:
        response = what if isinstance(what, Response) else self.last[what]
        type_url = response.type_url
        if self.variant is DELTA:
            return self.sends(DeltaRequest(type_url, response_nonce=response.nonce, error_detail=error))
        names = self.wants[type_url]
        return self.sends(StateRequest(type_url, response.version, names, response.nonce, error))

    def _state_request(self, type_url: TypeUrl, version: str = "") -> StateRequest:
        last = self.last.get(type_url)
        nonce, version = (last.nonce, last.version) if last else ("", version)
        return StateRequest(type_url, version, self.wants[type_url], nonce)

    def _told(self, plan: Plan) -> Answer:
        for response in plan.responses:
            self.last[response.type_url] = response
        return Answer(plan)


def an_edge(
    variant: Variant,
    serving: Iterable[Resource] = (),
    *,
    catalogue: Catalogue | None = None,
    in_group: bool = True,
    limits: Limits | None = None,
    only_type: TypeUrl | None = None,
    siblings: Siblings | None = None,
) -> Edge:
    """A client that has said nothing yet, of a group that serves this."""
    if catalogue is None:
        catalogue = Catalogue(GroupName("edge"))
        catalogue.load(1, serving)
    session = Session(variant, count(1), only_type=only_type, limits=limits)
    return Edge(variant, catalogue, session, in_group, siblings=siblings)
