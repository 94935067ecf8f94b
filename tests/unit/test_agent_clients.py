"""Who is connected to an agent, which of them is its Envoy, and what all of them want."""

from __future__ import annotations

from itertools import count

from agents.node.local.clients import KEPT_S, SETTLING_S, Clients
from tests.builders import a_node, assignment
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.requests import DeltaRequest
from xds.protocol.session import Session
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName, TypeUrl
from xds.protocol.variant import Variant
from xds.transport.observer import StreamInfo


class Host:
    """Streams of a host, by their numbers."""

    def __init__(self) -> None:
        self.wants = Wants()
        self.sessions: dict[int, Session] = {}
        self.infos: dict[int, StreamInfo] = {}
        self.clients = Clients("edge-1", self.wants, self.sessions.get)
        self._numbers = count(1)

    def opens(self, node: str = "edge-1", only_type: TypeUrl | None = None, at_s: float = 0) -> int:
        number = next(self._numbers)
        self.sessions[number] = Session(Variant.DELTA, count(1), only_type=only_type)
        info = StreamInfo(number, a_node(node), GroupName("edge"), "delta", "", only_type, 0)
        self.infos[number] = info
        self.clients.opened(info, at_s)
        return number

    def asks(self, stream: int, type_url: TypeUrl, *names: str, node: str = "edge-1") -> None:
        self.sessions[stream].receive(DeltaRequest(type_url, names, node=a_node(node)), 0)
        self.clients.asked(self.infos[stream], type_url)

    def closes(self, stream: int, at_s: float = 0) -> None:
        self.clients.closed(self.infos[stream], at_s)
        del self.sessions[stream]


def test_what_is_wanted_is_what_all_clients_want_together() -> None:
    host = Host()
    host.asks(host.opens(), ENDPOINT, "web")
    host.asks(host.opens("grpc-1"), ENDPOINT, "web", "carts", node="grpc-1")
    assert set(host.wants.names(ENDPOINT)) == {"web", "carts"}
    assert [len(host.clients.own), len(host.clients.others)] == [1, 1]


def test_what_a_client_wanted_counts_for_a_while_after_it_has_gone() -> None:
    host = Host()
    stream = host.opens("grpc-1")
    host.asks(stream, ENDPOINT, "web", node="grpc-1")
    host.closes(stream, at_s=10)
    host.wants.expire(9 + KEPT_S)
    assert set(host.wants.names(ENDPOINT)) == {"web"}
    host.wants.expire(10 + KEPT_S)
    assert not host.wants.names(ENDPOINT)


def test_what_the_own_envoy_wanted_counts_until_another_has_come_and_a_while_longer() -> None:
    host = Host()
    first = host.opens()
    host.asks(first, ENDPOINT, "web", "old")
    host.closes(first)
    host.wants.expire(1_000_000)
    assert set(host.wants.names(ENDPOINT)) == {"web", "old"}
    host.asks(host.opens(at_s=1_000_000), ENDPOINT, "web")
    assert set(host.wants.names(ENDPOINT)) == {"web", "old"}
    host.wants.expire(1_000_000 + KEPT_S)
    assert set(host.wants.names(ENDPOINT)) == {"web"}


def test_in_a_hot_restart_the_newer_envoy_decides_once_it_has_asked() -> None:
    host = Host()
    older, newer = host.opens(), host.opens()
    host.asks(older, CLUSTER)
    assert host.clients.subscription(CLUSTER) is host.sessions[older].subscription(CLUSTER)
    host.asks(newer, CLUSTER)
    assert host.clients.subscription(CLUSTER) is host.sessions[newer].subscription(CLUSTER)
    host.closes(older)
    assert len(host.clients.own) == 1
    assert host.wants.expires_at_s == KEPT_S


def test_without_ads_all_streams_of_a_type_decide() -> None:
    host = Host()
    streams = [host.opens(only_type=ENDPOINT) for _ in range(3)]
    for stream, name in zip(streams, ("web", "carts", "users"), strict=True):
        host.asks(stream, ENDPOINT, name)
    assert len(host.clients.subscriptions(ENDPOINT)) == 3
    assert host.clients.subscriptions(CLUSTER) == ()


def test_an_envoy_that_just_came_may_not_have_said_all_it_wants() -> None:
    host = Host()
    assert not host.clients.is_settling(0)
    host.opens(at_s=5)
    assert host.clients.is_settling(5 + SETTLING_S / 2)
    assert not host.clients.is_settling(5 + SETTLING_S)


def test_an_envoy_that_brings_nothing_is_new() -> None:
    host = Host()
    assert not host.clients.own_is_new
    stream = host.opens()
    host.asks(stream, CLUSTER)
    assert host.clients.own_is_new
    request = DeltaRequest(ENDPOINT, ("web",), initial_resource_versions={"web": "1"})
    host.sessions[stream].receive(request, 0)
    assert not host.clients.own_is_new
    assert list(host.clients.own_brought()) == [(ENDPOINT, {"web": "1"})]


def test_an_envoy_has_all_once_it_has_answered_and_whatever_only_others_want() -> None:
    host, catalogue = Host(), Catalogue(GroupName("edge"), partial=True)
    stream = host.opens()
    host.asks(stream, ENDPOINT, "web")
    session = host.sessions[stream]
    catalogue.change(1, [(None, assignment("web"))])
    plan = session.serve(catalogue, 0)
    assert not host.clients.own_has_all(catalogue)
    session.receive(DeltaRequest(ENDPOINT, response_nonce=plan.responses[0].nonce), 0)
    assert host.clients.own_has_all(catalogue)

    catalogue.change(1, [(None, assignment("other"))])
    assert not session.is_concerned()
    assert host.clients.own_has_all(catalogue)

    catalogue.change(1, [(assignment("web"), assignment("web", "b"))])
    assert not host.clients.own_has_all(catalogue)
    plan = session.advance(0)
    session.receive(DeltaRequest(ENDPOINT, response_nonce=plan.responses[0].nonce), 0)
    assert host.clients.own_has_all(catalogue)
