"""Envoy's JSON form: what is read, what is written, and what is said of every mistake, with its place."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf import json_format

from api.envoy import problem
from api.envoy.json_form import from_json, to_json
from api.envoy.problem import Path
from api.envoy.registry import load_default

PREFIX = "type.googleapis.com/"
CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster"
LISTENER = PREFIX + "envoy.config.listener.v3.Listener"
ROUTE = PREFIX + "envoy.config.route.v3.RouteConfiguration"
RUNTIME = PREFIX + "envoy.service.runtime.v3.Runtime"
ENDPOINT = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
HCM = PREFIX + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = PREFIX + "envoy.extensions.filters.http.router.v3.Router"
TYPED_STRUCT = PREFIX + "xds.type.v3.TypedStruct"


def a_listener(*http_filters: object) -> dict[str, Any]:
    manager = {"@type": HCM, "stat_prefix": "web", "http_filters": list(http_filters)}
    return {"@type": LISTENER, "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


IN_HTTP_FILTERS: Path = ("filter_chains", 0, "filters", 0, "typed_config", "http_filters")
METADATA: Path = ("metadata", "filter_metadata", "a")


def read(data: dict[str, Any]) -> Any:
    parsed = from_json(load_default(), data)
    assert parsed.problems == ()
    assert parsed.message is not None
    return parsed.message


def cluster(**fields: object) -> dict[str, Any]:
    return {"@type": CLUSTER, "name": "web", **fields}


ROUND_TRIPS = {
    "scalars": cluster(connect_timeout="1.500s", type="STRICT_DNS", per_connection_buffer_limit_bytes=1024),
    "maps": cluster(metadata={"filter_metadata": {"b": {"y": 1}, "a": {"x": [1, 2.5, None, True, "z", {}]}}}),
    "bytes": {"@type": PREFIX + "envoy.config.core.v3.DataSource", "inline_bytes": "AAH/"},
    "64-bit": {"@type": PREFIX + "envoy.type.v3.Int64Range", "start": "-9223372036854775808", "end": "5"},
    "floats": {"@type": PREFIX + "envoy.type.v3.DoubleRange", "start": 0.1, "end": "Infinity"},
    "wrapper": {"@type": PREFIX + "google.protobuf.UInt64Value", "value": "18446744073709551615"},
    "duration": {"@type": PREFIX + "google.protobuf.Duration", "value": "-0.000000001s"},
    "timestamp": {"@type": PREFIX + "google.protobuf.Timestamp", "value": "2030-01-31T10:00:00Z"},
    "field mask": {"@type": PREFIX + "google.protobuf.FieldMask", "value": "userAgent,name"},
    "struct": {"@type": PREFIX + "google.protobuf.Struct", "value": {"a": [None, {"b": "c"}]}},
    "list": {"@type": PREFIX + "google.protobuf.ListValue", "value": [1, "a", [], {}]},
    "null": {"@type": PREFIX + "google.protobuf.Value", "value": None},
    "empty": {"@type": PREFIX + "google.protobuf.Empty", "value": {}},
    "any in any": {"@type": PREFIX + "google.protobuf.Any", "value": {"@type": ROUTER, "start_child_span": True}},
    "nested any": a_listener({"name": "router", "typed_config": {"@type": ROUTER}}),
    "typed struct": a_listener(
        {"name": "x", "typed_config": {"@type": TYPED_STRUCT, "type_url": "acme/Own", "value": {"any": "thing"}}}
    ),
}


@pytest.mark.parametrize("data", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_what_is_written_is_what_was_read(data: dict[str, Any]) -> None:
    assert to_json(load_default(), read(data)) == data


@pytest.mark.parametrize("name", ["scalars", "maps", "bytes", "64-bit", "floats", "nested any", "typed struct"])
def test_protobufs_own_reader_and_writer_agree(name: str) -> None:
    api, data = load_default(), {key: value for key, value in ROUND_TRIPS[name].items() if key != "@type"}
    message = read(ROUND_TRIPS[name])
    theirs = json_format.ParseDict(data, type(message)(), descriptor_pool=api.pool)
    assert theirs == message
    written = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=api.pool)
    assert written == data


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"connectTimeout": "1s"}, {"connect_timeout": "1s"}),
        ({"connect_timeout": "1.0s"}, {"connect_timeout": "1s"}),
        ({"type": 1}, {"type": "STRICT_DNS"}),
        ({"type": "1"}, {"type": "STRICT_DNS"}),
        ({"type": "strict_dns"}, {"type": "STRICT_DNS"}),
        ({"ignore_health_on_host_removal": "true"}, {"ignore_health_on_host_removal": True}),
        ({"per_connection_buffer_limit_bytes": "7e0"}, {"per_connection_buffer_limit_bytes": 7}),
        ({"per_connection_buffer_limit_bytes": "7"}, {"per_connection_buffer_limit_bytes": 7}),
        ({"per_connection_buffer_limit_bytes": 7.0}, {"per_connection_buffer_limit_bytes": 7}),
        ({"per_connection_buffer_limit_bytes": None}, {}),
        ({"type": None, "cluster_type": {"name": "x"}}, {"cluster_type": {"name": "x"}}),
        ({"metadata": {"filter_metadata": {"a": {"b": ()}}}}, {"metadata": {"filter_metadata": {"a": {"b": []}}}}),
    ],
)
def test_other_spellings_that_envoy_takes_mean_the_same(given: dict[str, Any], same: dict[str, Any]) -> None:
    assert read(cluster(**given)) == read(cluster(**same))


@pytest.mark.parametrize("text", ["_-8", "/+8=", "_-8="])
def test_bytes_are_taken_in_either_alphabet_and_without_padding(text: str) -> None:
    message = read({"@type": PREFIX + "envoy.config.core.v3.DataSource", "inline_bytes": text})
    assert message.inline_bytes == b"\xff\xef"


def test_an_empty_any_is_an_empty_any() -> None:
    assert read(cluster(transport_socket={"name": "x", "typed_config": {}})).transport_socket.HasField("typed_config")


BROKEN: list[tuple[dict[str, Any], Path, str, str, str]] = [
    (cluster(conect_timeout="1s"), ("conect_timeout",), problem.UNKNOWN_FIELD, "has no field", '"connect_timeout"'),
    (cluster(conectTimeout="1s"), ("conectTimeout",), problem.UNKNOWN_FIELD, "has no field", '"connectTimeout"'),
    (cluster(zzz=1), ("zzz",), problem.UNKNOWN_FIELD, 'has no field "zzz"', ""),
    (cluster(name=80), ("name",), problem.WRONG_TYPE, "expected a string, found the number 80", "put it in quotes"),
    (cluster(name=True), ("name",), problem.WRONG_TYPE, "expected a string, found true", "put it in quotes"),
    (cluster(name=["a"]), ("name",), problem.WRONG_TYPE, "expected a string, found a list", ""),
    (cluster(name="\ud800"), ("name",), problem.MALFORMED, "not valid Unicode", ""),
    (cluster(type="STRIC_DNS"), ("type",), problem.UNKNOWN_ENUM_VALUE, "is not a value", '"STRICT_DNS"'),
    (cluster(type="strict_dnss"), ("type",), problem.UNKNOWN_ENUM_VALUE, "is not a value", '"STRICT_DNS"'),
    (cluster(type="\x1b[2J"), ("type",), problem.UNKNOWN_ENUM_VALUE, r'"\x1b[2J" is not', "one of STATIC"),
    (cluster(type=True), ("type",), problem.WRONG_TYPE, "expected a value of", ""),
    (cluster(type=1.5), ("type",), problem.WRONG_TYPE, "expected a whole number, found the number 1.5", ""),
    (cluster(connect_timeout="5m"), ("connect_timeout",), problem.MALFORMED, 'the string "5m"', "write 300s"),
    (cluster(connect_timeout="250ms"), ("connect_timeout",), problem.MALFORMED, "250ms", "write 0.25s"),
    (cluster(connect_timeout=5), ("connect_timeout",), problem.WRONG_TYPE, "expected a duration", "write 5s"),
    (cluster(connect_timeout="soon"), ("connect_timeout",), problem.MALFORMED, "soon", "number of seconds"),
    (cluster(connect_timeout="1.0000000001s"), ("connect_timeout",), problem.MALFORMED, "expected a duration", ""),
    (cluster(connect_timeout="315576000001s"), ("connect_timeout",), problem.OUT_OF_RANGE, "out of range", ""),
    (cluster(connect_timeout="١s"), ("connect_timeout",), problem.MALFORMED, "expected a duration", ""),
    (cluster(connect_timeout={}), ("connect_timeout",), problem.WRONG_TYPE, "found an object", ""),
    (
        cluster(per_connection_buffer_limit_bytes=-1),
        ("per_connection_buffer_limit_bytes",),
        problem.OUT_OF_RANGE,
        "-1 is out of range: 0 to 4294967295",
        "",
    ),
    (
        cluster(per_connection_buffer_limit_bytes="lots"),
        ("per_connection_buffer_limit_bytes",),
        problem.WRONG_TYPE,
        'expected a whole number, found the string "lots"',
        "",
    ),
    (cluster(metadata=[]), ("metadata",), problem.NOT_AN_OBJECT, "expected an object (envoy.config.core", ""),
    (cluster(metadata={"filter_metadata": []}), METADATA[:2], problem.WRONG_TYPE, "a map), found a list", ""),
    (cluster(metadata={"filter_metadata": {"a": 3}}), METADATA, problem.WRONG_TYPE, "found the number 3", ""),
    (cluster(metadata={"filter_metadata": {"a": None}}), METADATA, problem.WRONG_TYPE, "null cannot", "remove"),
    (cluster(metadata={"filter_metadata": {"a": {1: 2}}}), (*METADATA, 1), problem.WRONG_TYPE, "as key", "quotes"),
    (cluster(metadata={"filter_metadata": {"a": {"b": object()}}}), (*METADATA, "b"), problem.WRONG_TYPE, "object", ""),
    (cluster(filters={}), ("filters",), problem.WRONG_TYPE, "expected a list, found an object", "in a list"),
    (cluster(filters=[None]), ("filters", 0), problem.WRONG_TYPE, "null cannot stand in a list", "remove it"),
    (cluster(filters=[{}, 3]), ("filters", 1), problem.NOT_AN_OBJECT, "found the number 3", ""),
    (
        cluster(type="EDS", cluster_type={"name": "x"}),
        ("cluster_type",),
        problem.ONEOF_SET_TWICE,
        '"cluster_type" and "type" cannot both be set: cluster_discovery_type',
        "keep one",
    ),
    (
        cluster(connect_timeout="1s", connectTimeout="2s"),
        ("connectTimeout",),
        problem.FIELD_SET_TWICE,
        "are the same field",
        "keep one",
    ),
    (
        cluster(dns_lookup_family=3, http2_protocol_options={"max_concurrent_streams": True}),
        ("http2_protocol_options", "max_concurrent_streams"),
        problem.WRONG_TYPE,
        "expected a whole number, found true",
        "",
    ),
    (
        cluster(ignore_health_on_host_removal="yes"),
        ("ignore_health_on_host_removal",),
        problem.WRONG_TYPE,
        'expected true or false, found the string "yes"',
        "write true or false",
    ),
    (
        cluster(transport_socket={"typed_config": {"@type": CLUSTER + "er"}}),
        ("transport_socket", "typed_config", "@type"),
        problem.UNKNOWN_TYPE,
        "unknown type",
        f'did you mean "{CLUSTER}"?',
    ),
    (
        cluster(transport_socket={"typed_config": {"name": "x"}}),
        ("transport_socket", "typed_config"),
        problem.MISSING_TYPE,
        "has no @type",
        "@type",
    ),
    (
        cluster(transport_socket={"typed_config": "raw"}),
        ("transport_socket", "typed_config"),
        problem.NOT_AN_OBJECT,
        "expected an object with @type",
        "",
    ),
    (
        a_listener({"name": "router", "typed_config": {"@type": ROUTER, "dynamic_stat": True}}),
        (*IN_HTTP_FILTERS, 0, "typed_config", "dynamic_stat"),
        problem.UNKNOWN_FIELD,
        'Router has no field "dynamic_stat"',
        '"dynamic_stats"',
    ),
    (
        a_listener({"typed_config": {"@type": PREFIX + "google.protobuf.Duration", "value": "x"}}),
        (*IN_HTTP_FILTERS, 0, "typed_config", "value"),
        problem.MALFORMED,
        "expected a duration",
        "",
    ),
    (
        a_listener({"typed_config": {"@type": PREFIX + "google.protobuf.Duration"}}),
        (*IN_HTTP_FILTERS, 0, "typed_config"),
        problem.MISSING_TYPE,
        'needs "value"',
        "",
    ),
    (
        a_listener({"typed_config": {"@type": PREFIX + "google.protobuf.Struct", "value": {}, "a": 1}}),
        (*IN_HTTP_FILTERS, 0, "typed_config", "a"),
        problem.UNKNOWN_FIELD,
        "nothing else",
        "",
    ),
    (
        a_listener({"typed_config": {"@type": TYPED_STRUCT, "type_url": ROUTER, "value": {"dynamic_stat": 1}}}),
        (*IN_HTTP_FILTERS, 0, "typed_config", "value", "dynamic_stat"),
        problem.UNKNOWN_FIELD,
        'Router has no field "dynamic_stat"',
        '"dynamic_stats"',
    ),
    (
        {"@type": PREFIX + "google.protobuf.Timestamp", "value": "yesterday"},
        ("value",),
        problem.MALFORMED,
        "expected a time such as",
        "",
    ),
    ({"@type": PREFIX + "google.protobuf.FloatValue", "value": 1e39}, ("value",), problem.OUT_OF_RANGE, "32-bit", ""),
    ({"@type": PREFIX + "google.protobuf.DoubleValue", "value": "1_0"}, ("value",), problem.WRONG_TYPE, "a number", ""),
    (
        {"@type": PREFIX + "google.protobuf.DoubleValue", "value": 10**400},
        ("value",),
        problem.OUT_OF_RANGE,
        "range",
        "",
    ),
    (
        {"@type": PREFIX + "google.protobuf.ListValue", "value": [math.inf]},
        ("value", 0),
        problem.OUT_OF_RANGE,
        "no such number",
        "put it in quotes",
    ),
    ({"@type": PREFIX + "google.protobuf.ListValue", "value": 3}, ("value",), problem.WRONG_TYPE, "a list", ""),
    ({"@type": "envoy.config.cluster.v3.Cluster"}, ("@type",), problem.UNKNOWN_TYPE, "unknown type", f'"{CLUSTER}"'),
    ({"@type": 3}, (), problem.MISSING_TYPE, "has the number 3 as @type", ""),
    ({"name": "web"}, (), problem.MISSING_TYPE, "has no @type", ""),
]


@pytest.mark.parametrize(("data", "path", "code", "words", "hint"), BROKEN)
def test_a_mistake_is_told_with_its_place(data: dict[str, Any], path: Path, code: str, words: str, hint: str) -> None:
    problems = from_json(load_default(), data).problems
    assert [found.path for found in problems] == [path]
    assert problems[0].code == code
    assert words in problems[0].message
    assert hint in problems[0].suggestion


def test_all_mistakes_are_told_at_once_and_in_order() -> None:
    data = cluster(name=1, tpye="EDS", connect_timeout="x", filters=[{"nme": "a"}, None], metadata={"a": 1})
    places = [found.path for found in from_json(load_default(), data).problems]
    assert places == [
        ("name",),
        ("tpye",),
        ("connect_timeout",),
        ("filters", 0, "nme"),
        ("filters", 1),
        ("metadata", "a"),
    ]


def test_thousands_of_distinct_mistakes_are_told_without_thousands_of_searches() -> None:
    data = cluster(**{f"nam{number}": 1 for number in range(5_000)})
    problems = from_json(load_default(), data).problems
    assert len(problems) == 5_000
    assert 0 < sum(bool(found.suggestion) for found in problems) <= 200


def test_what_is_set_twice_is_still_checked_inside() -> None:
    data = cluster(type="EDS", cluster_type={"nme": "x"})
    assert [found.path for found in from_json(load_default(), data).problems] == [
        ("cluster_type",),
        ("cluster_type", "nme"),
    ]


def test_a_secret_that_is_not_base64_is_not_repeated() -> None:
    data = {"@type": PREFIX + "envoy.config.core.v3.DataSource", "inline_bytes": "hunter2!"}
    (found,) = from_json(load_default(), data).problems
    assert "hunter2" not in str(found) + found.suggestion


def test_a_map_with_numbers_as_keys_takes_them_as_text() -> None:
    kind = PREFIX + "envoy.config.core.v3.SubstitutionFormatString"
    assert read({"@type": kind, "json_format": {"1": "x"}}).json_format.fields["1"].string_value == "x"


@pytest.mark.parametrize("levels", [40, 5_000])
def test_nesting_without_end_is_one_problem_and_no_crash(levels: int) -> None:
    struct: dict[str, Any] = {}
    for _ in range(levels):
        struct = {"a": struct}
    parsed = from_json(load_default(), cluster(metadata={"filter_metadata": {"a": struct}}))
    assert [found.code for found in parsed.problems] == [problem.TOO_DEEP]
    assert parsed.problems[0].path[:3] == METADATA


@pytest.mark.parametrize("levels", [101, 5_000])
def test_an_any_in_an_any_without_end_is_one_problem(levels: int) -> None:
    data: dict[str, Any] = {"@type": ROUTER}
    for _ in range(levels):
        data = {"@type": PREFIX + "google.protobuf.Any", "value": data}
    assert [found.code for found in from_json(load_default(), data).problems] == [problem.TOO_DEEP]


def test_what_is_read_at_the_limit_can_be_read_back_from_its_bytes() -> None:
    struct: dict[str, Any] = {}
    for _ in range(31):
        struct = {"a": struct}
    message = read(cluster(metadata={"filter_metadata": {"a": struct}}))
    assert load_default().parse(CLUSTER, message.SerializeToString()) == message


def test_an_unknown_type_is_written_with_its_name_and_its_bytes() -> None:
    message = read(cluster(transport_socket={"name": "x"}))
    message.transport_socket.typed_config.type_url = "type.googleapis.com/acme.Own"
    message.transport_socket.typed_config.value = b"\x00\x01"
    written = to_json(load_default(), message)["transport_socket"]["typed_config"]
    assert written == {"@type": "type.googleapis.com/acme.Own", "value": "AAE="}


def test_broken_bytes_of_a_known_type_are_written_as_bytes() -> None:
    message = read(cluster(transport_socket={"name": "x"}))
    message.transport_socket.typed_config.type_url = ROUTER
    message.transport_socket.typed_config.value = b"\xff\xff"
    assert to_json(load_default(), message)["transport_socket"]["typed_config"] == {"@type": ROUTER, "value": "//8="}


def test_an_any_nested_without_end_is_written_down_to_the_limit() -> None:
    api = load_default()
    message: Any = api.new("google.protobuf.Any")
    for _ in range(300):
        outer: Any = api.new("google.protobuf.Any")
        outer.type_url, outer.value = PREFIX + "google.protobuf.Any", message.SerializeToString()
        message = outer
    written, levels = to_json(api, message), 0
    while isinstance(written, dict) and "value" in written:
        written, levels = written["value"], levels + 1
    assert isinstance(written, str)
    assert 90 < levels <= 102


def test_an_enum_value_of_a_newer_envoy_is_written_as_its_number() -> None:
    assert to_json(load_default(), read(cluster(type=99)))["type"] == 99


def test_values_that_a_type_cannot_hold_are_still_written() -> None:
    message: Any = load_default().new("google.protobuf.Duration")
    message.seconds = 10**15
    assert "invalid Duration" in to_json(load_default(), message)["value"]
