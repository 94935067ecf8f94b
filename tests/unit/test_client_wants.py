"""What local clients want together: counted by member, and for a while after one that left."""

from __future__ import annotations

from xds.client.wants import Wants
from xds.protocol.types import CLUSTER, ENDPOINT


def changed(wants: Wants) -> dict[str, set[str]]:
    return {url: set(names) for url, names in wants.take_changed().items()}


def test_a_name_is_wanted_as_long_as_some_member_wants_it() -> None:
    wants = Wants()
    wants.put("envoy", ENDPOINT, False, {"a", "b"})
    wants.put("grpc", ENDPOINT, False, {"b"})
    assert (set(wants.names(ENDPOINT)), changed(wants)) == ({"a", "b"}, {ENDPOINT: {"a", "b"}})
    wants.put("envoy", ENDPOINT, False, set())
    assert (set(wants.names(ENDPOINT)), changed(wants)) == ({"b"}, {ENDPOINT: {"a"}})
    wants.leave("grpc")
    assert (set(wants.names(ENDPOINT)), changed(wants), wants.types) == (set(), {ENDPOINT: {"b"}}, ())


def test_everything_is_a_name_like_others() -> None:
    wants = Wants()
    wants.put("envoy", CLUSTER, True, set())
    wants.put("grpc", CLUSTER, False, {"web"})
    assert set(wants.names(CLUSTER)) == {"*", "web"}
    wants.put("envoy", CLUSTER, False, set())
    assert set(wants.names(CLUSTER)) == {"web"}


def test_what_is_said_again_changes_nothing() -> None:
    wants = Wants()
    wants.put("envoy", CLUSTER, True, {"web"})
    changed(wants)
    wants.put("envoy", CLUSTER, True, {"web"})
    wants.put("grpc", CLUSTER, False, {"web"})
    assert changed(wants) == {}


def test_names_of_a_member_that_left_count_for_a_while() -> None:
    wants = Wants()
    wants.put("envoy", ENDPOINT, False, {"a", "b"})
    wants.leave("envoy", until_s=30)
    assert wants.expires_at_s == 30
    wants.put("envoy again", ENDPOINT, False, {"b"})
    wants.expire(29.9)
    assert set(wants.names(ENDPOINT)) == {"a", "b"}
    wants.expire(30)
    assert set(wants.names(ENDPOINT)) == {"b"}
    assert wants.expires_at_s is None


def test_a_member_that_speaks_again_has_not_left() -> None:
    wants = Wants()
    wants.put("envoy", ENDPOINT, False, {"a"})
    wants.leave("envoy", until_s=30)
    wants.put("envoy", ENDPOINT, False, {"a"})
    wants.expire(31)
    assert set(wants.names(ENDPOINT)) == {"a"}


def test_who_never_came_can_leave() -> None:
    wants = Wants()
    wants.leave("nobody")
    wants.leave("nobody", until_s=3)
    assert (wants.expires_at_s, wants.types) == (None, ())
