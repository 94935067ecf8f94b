"""Polls: one request of the state of the world, one answer, and no memory in between."""

from __future__ import annotations

import pytest

from tests.builders import a_node, assignment, cluster
from xds.protocol.admission import Limits
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Response
from xds.protocol.polling import Poll
from xds.protocol.requests import StateRequest
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, GroupName, TypeUrl


def serving(*resources: Resource) -> Catalogue:
    catalogue = Catalogue(GroupName("edge"))
    catalogue.load(1, resources)
    return catalogue


def polled(catalogue: Catalogue, type_url: TypeUrl, *names: str, version: str = "") -> Response | None:
    poll = Poll(StateRequest(type_url, version, names, node=a_node()), type_url, Limits(response_bytes=100))
    assert poll.refused is None
    return poll.answer(catalogue)


def names(response: Response | None) -> list[str]:
    assert response is not None
    return [resource.name for resource in response.resources]


@pytest.mark.parametrize("type_url", [CLUSTER, ENDPOINT])
def test_a_poll_without_names_asks_for_everything(type_url: TypeUrl) -> None:
    catalogue = serving(cluster("a"), cluster("b"), assignment("a"), assignment("b"))
    assert names(polled(catalogue, type_url)) == ["a", "b"]


def test_a_poll_with_names_is_told_those() -> None:
    catalogue = serving(*(assignment(name) for name in "abc"))
    assert names(polled(catalogue, ENDPOINT, "c", "a")) == ["a", "c"]


def test_whatever_its_size_an_answer_is_whole() -> None:
    catalogue = serving(*(assignment(f"{number:03}") for number in range(100)))
    assert len(names(polled(catalogue, ENDPOINT))) == 100


@pytest.mark.parametrize("asked", [(), ("*",), ("web",)])
@pytest.mark.parametrize(("type_url", "build"), [(CLUSTER, cluster), (ENDPOINT, assignment)])
def test_what_the_client_has_is_not_sent_again_and_a_change_is(
    type_url: TypeUrl, build: type[Resource], asked: tuple[str, ...]
) -> None:
    catalogue = serving(build("web", "a"))
    first = polled(catalogue, type_url, *asked)
    assert first is not None
    assert polled(catalogue, type_url, *asked, version=first.version) is None
    catalogue.load(2, [build("web", "b")])
    second = polled(catalogue, type_url, *asked, version=first.version)
    assert second is not None
    assert names(second) == ["web"]
    assert second.version != first.version


def test_a_change_elsewhere_is_no_change_to_who_asks_by_name() -> None:
    catalogue = serving(assignment("web"), assignment("api"))
    first = polled(catalogue, ENDPOINT, "web")
    assert first is not None
    catalogue.load(2, [assignment("web"), assignment("api", "b")])
    assert polled(catalogue, ENDPOINT, "web", version=first.version) is None


def test_another_name_at_the_same_version_is_answered() -> None:
    catalogue = serving(assignment("web"), assignment("api"))
    first = polled(catalogue, ENDPOINT, "web")
    assert first is not None
    assert names(polled(catalogue, ENDPOINT, "web", "api", version=first.version)) == ["api", "web"]


def test_versions_are_of_content_and_the_same_everywhere() -> None:
    one, other = (polled(serving(assignment("web")), ENDPOINT, *asked) for asked in (("web",), ()))
    assert one is not None
    assert other is not None
    assert one.version == other.version


def test_names_that_do_not_exist_are_errors() -> None:
    response = polled(serving(assignment("web")), ENDPOINT, "web", "wbe")
    assert response is not None
    assert [(error.name, error.code) for error in response.errors] == [("wbe", 5)]


def test_nothing_is_an_answer_too_once() -> None:
    catalogue = serving(cluster("web"))
    first = polled(catalogue, LISTENER)
    assert names(first) == []
    assert first is not None
    assert polled(catalogue, LISTENER, version=first.version) is None


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (StateRequest(CLUSTER), "INVALID_ARGUMENT"),
        (StateRequest(CLUSTER, node=a_node("")), "INVALID_ARGUMENT"),
        (StateRequest(LISTENER, node=a_node()), "INVALID_ARGUMENT"),
        (StateRequest(CLUSTER, resource_names=("a", "b", "c"), node=a_node()), "RESOURCE_EXHAUSTED"),
    ],
)
def test_what_is_no_request_of_this_service_is_refused(request_: StateRequest, status: str) -> None:
    refused = Poll(request_, CLUSTER, Limits(names=2)).refused
    assert refused is not None
    assert refused.status == status


def test_a_request_may_leave_out_its_type_and_bring_an_old_nonce() -> None:
    request = StateRequest(TypeUrl(""), response_nonce="7", node=a_node())
    assert names(Poll(request, CLUSTER, Limits()).answer(serving(cluster("web")))) == ["web"]
