"""What filters, timeouts, retries and sessions come to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from snapshots.authoring.gateway.header_changes import Change, change_fields, changes, composed, host, modifier_problems
from snapshots.authoring.gateway.http_actions import Effects
from snapshots.authoring.gateway.http_rules import Filters
from snapshots.authoring.gateway.paths import Entrance, path_problems, redirect_fields, rewrite_fields
from snapshots.authoring.gateway.retries import patience_fields
from snapshots.authoring.kinds.filters import Filter, HeaderModifier, PathModifier, RequestRedirect, URLRewrite
from snapshots.authoring.kinds.http_route import HTTPRouteRule

HTTP_80, HTTP_8080, HTTPS_443 = Entrance(80, "http"), Entrance(8080, "http"), Entrance(443, "https")


def modifier(**lists: Any) -> HeaderModifier:
    found = {
        action: names if action == "remove" else [{"name": name, "value": value} for name, value in names]
        for action, names in lists.items()
    }
    return msgspec.convert(found, HeaderModifier)


def test_of_two_changes_of_one_header_the_first_counts() -> None:
    found = changes(modifier(set=[("A", "1"), ("a", "2")], remove=["A"]))
    assert found == (Change("set", "A", "1"),)


@pytest.mark.parametrize(
    ("first", "then", "both"),
    [
        ({"set": [("a", "1")]}, {"set": [("A", "2")]}, [Change("set", "A", "2")]),
        ({"add": [("a", "1")]}, {"remove": ["a"]}, [Change("remove", "a")]),
        ({"set": [("a", "1")]}, {"add": [("a", "2")]}, [Change("set", "a", "1"), Change("add", "a", "2")]),
        ({"remove": ["a"]}, {"add": [("a", "2")]}, [Change("remove", "a"), Change("add", "a", "2")]),
        ({"set": [("a", "1")]}, {"set": [("b", "2")]}, [Change("set", "a", "1"), Change("set", "b", "2")]),
    ],
)
def test_changes_one_after_the_other(first: dict[str, Any], then: dict[str, Any], both: list[Change]) -> None:
    assert composed(changes(modifier(**first)), changes(modifier(**then))) == tuple(both)


def test_values_are_taken_as_they_are_written() -> None:
    (added,) = change_fields("response", (Change("add", "a", "100%"),))["response_headers_to_add"]
    assert added == {"header": {"key": "a", "value": "100%%"}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}


def test_the_host_of_a_request_is_no_header_to_envoy() -> None:
    found = (Change("set", "Host", "a.example"), Change("remove", "b"))
    assert host(found) == "a.example"
    assert change_fields("request", found) == {"request_headers_to_remove": ["b"]}


@pytest.mark.parametrize(
    ("direction", "changed", "places"),
    [
        ("request", modifier(set=[("Host", "a")]), []),
        ("request", modifier(add=[("host", "a")]), [("add", 0, "name")]),
        ("response", modifier(set=[("Host", "a")]), [("set", 0, "name")]),
        ("request", modifier(remove=["Host", "b", ":path", ""]), [("remove", 0), ("remove", 2), ("remove", 3)]),
        ("request", modifier(set=[("a", "1")], remove=["b", "A"]), [("remove", 1)]),
        ("request", modifier(set=[("a", "1"), ("A", "2")]), []),
    ],
)
def test_changes_that_cannot_be_made(direction: Any, changed: HeaderModifier, places: list[Any]) -> None:
    assert [at for at, _ in modifier_problems(direction, changed)] == places


@pytest.mark.parametrize(
    ("fields", "entrance", "port"),
    [
        # Neither scheme nor port: the listener's.
        ({}, HTTP_80, None),
        ({}, HTTP_8080, 8080),
        ({}, HTTPS_443, None),
        # A scheme: its own port, named where clients name the listener's.
        ({"scheme": "https"}, HTTP_80, None),
        ({"scheme": "https"}, HTTP_8080, 443),
        ({"scheme": "http"}, HTTPS_443, None),
        ({"scheme": "http"}, HTTP_8080, 80),
        # A port: that one.
        ({"port": 80}, HTTP_80, None),
        ({"port": 80}, HTTP_8080, 80),
        ({"port": 443}, HTTP_80, 443),
        ({"port": 8443, "scheme": "https"}, HTTP_80, 8443),
        ({"port": 443, "scheme": "https"}, HTTP_80, None),
    ],
)
def test_the_port_of_a_redirect(fields: dict[str, Any], entrance: Entrance, port: int | None) -> None:
    assert redirect_fields(msgspec.convert(fields, RequestRedirect), "", entrance).get("port_redirect") == port


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, "MOVED_PERMANENTLY"),
        (302, "FOUND"),
        (303, "SEE_OTHER"),
        (307, "TEMPORARY_REDIRECT"),
        (308, "PERMANENT_REDIRECT"),
    ],
)
def test_the_status_of_a_redirect(status: int, code: str) -> None:
    found = redirect_fields(
        msgspec.convert({"statusCode": status, "hostname": "a.example"}, RequestRedirect), "", HTTP_80
    )
    assert found == {"response_code": code, "host_redirect": "a.example"}


# HTTPPathModifier "replacePrefixMatch", as far as Envoy does it by the prefix alone.
@pytest.mark.parametrize(
    ("matched", "replacement", "rewrite"),
    [
        ("/foo", "/xyz", "/xyz"),
        ("/foo", "/xyz/", "/xyz"),
        ("/foo/", "/xyz", "/xyz"),
        ("/foo/", "/xyz/", "/xyz"),
        ("/foo", "xyz", "/xyz"),
        ("/foo", "", "/"),
        ("/foo", "/", "/"),
        ("/", "/xyz", "/xyz/"),
        ("/", "/", "/"),
    ],
)
def test_prefixes_are_replaced(matched: str, replacement: str, rewrite: str) -> None:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": replacement}
    fields = {"prefix_rewrite": rewrite}
    assert rewrite_fields(msgspec.convert({"path": path}, URLRewrite), matched) == fields
    redirect = redirect_fields(msgspec.convert({"path": path}, RequestRedirect), matched, HTTP_80)
    assert redirect == {"response_code": "FOUND", **fields}


@pytest.mark.parametrize(
    ("value", "right"), [("/a?b=%20", True), ("", True), ("/a b", False), ("/é", False), ("/\n", False)]
)
def test_paths_that_no_request_can_have(value: str, right: bool) -> None:
    path = msgspec.convert({"type": "ReplaceFullPath", "replaceFullPath": value}, PathModifier)
    assert (list(path_problems(path)) == []) is right


def seconds(fields: dict[str, Any], name: str) -> float | None:
    found = fields.get(name)
    return None if found is None else found["seconds"] + found["nanos"] / 1e9


@pytest.mark.parametrize(
    ("timeouts", "retry", "timeout", "per_try", "idle"),
    [
        (None, None, 0, None, None),
        ({"request": "10s"}, None, 10, None, None),
        ({"backendRequest": "500ms"}, None, 0.5, None, None),
        ({"request": "10s", "backendRequest": "1s"}, None, 1, None, None),
        ({"request": "0s"}, None, 0, None, 0),
        ({"request": "0s", "backendRequest": "1s"}, None, 1, None, None),
        ({"request": "1h"}, None, 3600, None, 3600),
        ({"request": "10s", "backendRequest": "1s"}, {}, 10, 1, None),
        ({"backendRequest": "1s"}, {}, 0, 1, 0),
    ],
)
def test_timeouts(timeouts: Any, retry: Any, timeout: float, per_try: float | None, idle: float | None) -> None:
    rule = msgspec.convert({"timeouts": timeouts, "retry": retry}, HTTPRouteRule)
    found = patience_fields(rule)
    assert seconds(found, "timeout") == timeout
    assert seconds(found.get("retry_policy", {}), "per_try_timeout") == per_try
    assert seconds(found, "idle_timeout") == idle


def test_failed_connections_are_tried_again_whatever_the_codes() -> None:
    rule = msgspec.convert({"retry": {"codes": [500, 503], "attempts": 4, "backoff": "100ms"}}, HTTPRouteRule)
    policy = patience_fields(rule)["retry_policy"]

    assert policy["retry_on"] == "connect-failure,refused-stream,reset,retriable-status-codes"
    assert policy["retriable_status_codes"] == [500, 503]
    assert policy["num_retries"] == {"value": 4}
    assert seconds(policy["retry_back_off"], "base_interval") == 0.1
    assert (
        "retriable-status-codes"
        not in patience_fields(msgspec.convert({"retry": {}}, HTTPRouteRule))["retry_policy"]["retry_on"]
    )


def test_a_backends_filters_come_after_the_rules() -> None:
    def filters(*documents: dict[str, Any], refused: bool = False) -> Filters:
        return Filters(tuple(msgspec.convert(each, Filter) for each in documents), (), refused)

    path = {"type": "ReplaceFullPath", "replaceFullPath": "/a"}
    first = {"type": "URLRewrite", "urlRewrite": {"hostname": "a.example", "path": path}}
    then = {"type": "URLRewrite", "urlRewrite": {"hostname": "b.example"}}
    found = Effects().then(filters(first)).then(filters(then)).rewrite

    assert found == msgspec.convert({"hostname": "b.example", "path": path}, URLRewrite)
    assert Effects().then(filters(refused=True)).then(filters()).refused
