"""Field rules: each kind on a type of its own, and together on Envoy's types."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions, FileDescriptorProto, FileDescriptorSet

from api.envoy import problem
from api.envoy.json_form import from_json
from api.envoy.registry import EnvoyApi, load_default
from api.envoy.rules import violations

PREFIX = "type.googleapis.com/"
ENVOY = PREFIX + "envoy."
FIELD_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
}
MESSAGE_TYPES = {
    "duration": ".google.protobuf.Duration",
    "timestamp": ".google.protobuf.Timestamp",
    "any": ".google.protobuf.Any",
    "wrapper": ".google.protobuf.UInt32Value",
    "message": ".google.rpc.Status",
}
IMPORTS = (
    "validate/validate.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/any.proto",
    "google/protobuf/wrappers.proto",
    "google/rpc/status.proto",
)


def an_api(folder: Path, kind: str, rules: str, *, message_options: bytes = b"") -> EnvoyApi:
    """An API with a message `acme.M` whose field `value` is of `kind` (`repeated …` too) and has `rules`."""
    file = FileDescriptorProto(name="acme.proto", package="acme", syntax="proto3", dependency=IMPORTS)
    message = file.message_type.add(name="M")
    message.options.ParseFromString(message_options)
    field = message.field.add(name="value", number=1, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.startswith("repeated "):
        field.label, kind = FieldDescriptorProto.LABEL_REPEATED, kind.removeprefix("repeated ")
    if kind == "map":
        field.label, field.type, field.type_name = FieldDescriptorProto.LABEL_REPEATED, 11, ".acme.M.ValueEntry"
        entry = message.nested_type.add(name="ValueEntry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=FIELD_TYPES["string"], label=1)
        entry.field.add(name="value", number=2, type=FIELD_TYPES["uint32"], label=1)
    elif kind in MESSAGE_TYPES:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, MESSAGE_TYPES[kind]
    else:
        field.type = FIELD_TYPES[kind]
    field.options.CopyFrom(field_options(rules))
    path = folder / "acme.binpb"
    path.write_bytes(FileDescriptorSet(file=[file]).SerializeToString())
    return EnvoyApi.load([path])


def field_options(rules: str) -> FieldOptions:
    api = load_default()
    options: Any = api.new("google.protobuf.FieldOptions")
    extension: Any = api.pool.FindExtensionByName("validate.rules")
    options.Extensions[extension].CopyFrom(text_format.Parse(rules, api.new("validate.FieldRules")))
    return FieldOptions.FromString(options.SerializeToString())


def broken(api: EnvoyApi, data: dict[str, Any]) -> list[str]:
    parsed = from_json(api, {"@type": PREFIX + "acme.M", **data})
    assert parsed.problems == ()
    assert parsed.message is not None
    return [f"{problem.path_text(found.path)}: {found.message}" for found in violations(api, parsed.message)]


URL = PREFIX + "google.rpc.Status"
# kind of field, rules, what passes, what does not, and why
KINDS: list[tuple[str, str, object, object, str]] = [
    ("uint32", "uint32 {const: 7}", 7, 8, "must be 7, is 8"),
    ("uint32", "uint32 {lt: 7}", 6, 7, "must be less than 7, is 7"),
    ("uint32", "uint32 {lte: 7}", 7, 8, "must be at most 7, is 8"),
    ("uint32", "uint32 {gt: 7}", 8, 7, "must be greater than 7, is 7"),
    ("uint32", "uint32 {gte: 7}", 7, None, "must be at least 7, is 0"),
    ("uint32", "uint32 {gte: 7 lte: 9}", 9, 10, "must be at most 9, is 10"),
    ("uint32", "uint32 {lt: 3 gt: 9}", 2, 5, "must be less than 3 or greater than 9, is 5"),
    ("uint32", "uint32 {lt: 3 gt: 9}", 10, 9, "must be less than 3 or greater than 9, is 9"),
    ("uint32", "uint32 {in: [1, 2, 3]}", 3, 4, "must be 1, 2 or 3, is 4"),
    ("uint32", "uint32 {not_in: [1, 2]}", 3, 2, "must be other than 1 or 2, is 2"),
    ("uint32", "uint32 {gte: 7 ignore_empty: true}", None, 6, "must be at least 7, is 6"),
    ("int64", "int64 {gte: -5}", "-5", "-6", "must be at least -5, is -6"),
    ("double", "double {lte: 0.5}", 0.5, 0.75, "must be at most 0.5, is 0.75"),
    ("wrapper", "uint32 {gte: 1}", None, 0, "must be at least 1, is 0"),
    ("wrapper", "uint32 {gte: 1} message {required: true}", 1, None, "value is required"),
    ("bool", "bool {const: true}", True, False, "must be true, is false"),
    ("string", 'string {const: "a"}', "a", "b", 'must be "a", is "b"'),
    ("string", "string {len: 2}", "éé", "é", "must be exactly 2 characters long, is 1 character"),
    ("string", "string {min_len: 1}", "a", "", "must be at least 1 character long, is empty"),
    ("string", "string {max_len: 1}", "é", "ab", "must be at most 1 character long, is 2 characters"),
    ("string", "string {len_bytes: 2}", "é", "ééé", "must be exactly 2 bytes long, is 6 bytes"),
    ("string", "string {min_bytes: 2}", "é", "e", "must be at least 2 bytes long, is 1 byte"),
    ("string", "string {max_bytes: 2}", "é", "éa", "must be at most 2 bytes long, is 3 bytes"),
    ("string", 'string {pattern: "^a+$"}', "aa", "aa\n", r'must be a match of ^a+$, is "aa\n"'),
    ("string", 'string {prefix: "a"}', "ab", "ba", "must be text that starts with 'a', is \"ba\""),
    ("string", 'string {suffix: "a"}', "ba", "ab", "must be text that ends with 'a'"),
    ("string", 'string {contains: "a"}', "bab", "b", "must be text with 'a' in it"),
    ("string", 'string {not_contains: "a"}', "b", "bab", "must be text without 'a'"),
    ("string", 'string {in: ["a", "b"]}', "b", "c", 'must be "a" or "b", is "c"'),
    ("string", 'string {not_in: ["a"]}', "b", "a", 'must be other than "a"'),
    ("string", "string {email: true}", "a@b.c", "a@", "must be an e-mail address"),
    ("string", "string {email: false}", "a@", None, ""),
    ("string", "string {hostname: true}", "a.example", "-a", "must be a host name"),
    ("string", "string {ip: true}", "::1", "1.2.3", "must be an IP address"),
    ("string", "string {ipv4: true}", "1.2.3.4", "::1", "must be an IPv4 address"),
    ("string", "string {ipv6: true}", "::1", "1.2.3.4", "must be an IPv6 address"),
    ("string", "string {uri: true}", "http://a/b", "/b", "must be an absolute URI"),
    ("string", "string {uri_ref: true}", "/b", "a b", "must be a URI or a relative reference"),
    ("string", "string {address: true}", "a.example", "a_b", "must be a host name or an IP address"),
    ("string", "string {uuid: true}", "0d5a2b9e-0d5a-4b9e-8d5a-2b9e0d5a2b9e", "0d5a", "must be a UUID"),
    ("string", "string {well_known_regex: HTTP_HEADER_NAME}", ":path", "a b", "must be the name of an HTTP header"),
    ("string", "string {well_known_regex: HTTP_HEADER_NAME strict: false}", "a b", "a\r", "the name of an HTTP header"),
    ("string", "string {well_known_regex: HTTP_HEADER_VALUE}", "a\tb", "a\x01", "the value of an HTTP header"),
    ("string", "string {well_known_regex: HTTP_HEADER_VALUE strict: false}", "a\x01", "a\n", "the value of an HTTP"),
    ("string", "string {min_len: 3 ignore_empty: true}", "", "ab", "must be at least 3 characters long"),
    ("bytes", "bytes {min_len: 2}", "AAA=", "AA==", "must be at least 2 bytes long, is 1 byte"),
    ("bytes", "bytes {max_len: 1}", "AA==", "AAA=", "must be at most 1 byte long"),
    ("bytes", "bytes {len: 1}", "AA==", None, "must be exactly 1 byte long, is empty"),
    ("bytes", 'bytes {const: "a"}', "YQ==", "Yg==", "must be 1 bytes"),
    ("bytes", 'bytes {prefix: "a"}', "YWI=", "Yg==", "text that starts with"),
    ("bytes", "bytes {ipv4: true}", "AAAAAA==", "AA==", "must be an IPv4 address of 4 bytes"),
    ("duration", "duration {gt {}}", "1s", "0s", "must be greater than 0s, is 0s"),
    ("duration", "duration {gte {nanos: 1000000}}", None, "0.0005s", "must be at least 0.001s, is 0.0005s"),
    ("duration", "duration {lt {seconds: 5}}", "4.9s", "5s", "must be less than 5s"),
    ("duration", "duration {lte {seconds: 5}}", "5s", "5.1s", "must be at most 5s, is 5.1s"),
    ("duration", "duration {const {seconds: 5}}", "5s", "4s", "must be 5s, is 4s"),
    ("duration", "duration {in [{seconds: 5}, {seconds: 6}]}", "6s", "7s", "must be 5s or 6s, is 7s"),
    ("duration", "duration {not_in [{seconds: 5}]}", "6s", "5s", "must be other than 5s"),
    ("duration", "duration {required: true}", "0s", None, "value is required"),
    ("timestamp", "timestamp {required: true}", "1970-01-01T00:00:00Z", None, "value is required"),
    (
        "timestamp",
        "timestamp {gt {seconds: 1}}",
        "1970-01-01T00:00:02Z",
        "1970-01-01T00:00:00Z",
        "must be greater than 1970-01-01T00:00:01+00:00, is 1970-01-01T00:00:00+00:00",
    ),
    ("any", "any {required: true}", {"@type": URL}, None, "value is required"),
    ("any", f'any {{in: ["{URL}"]}}', {"@type": URL}, {}, "must be"),
    ("any", f'any {{not_in: ["{URL}"]}}', {}, {"@type": URL}, f'must be other than "{URL[:59]}'),
    ("message", "message {required: true}", {}, None, "value is required"),
    ("repeated string", "repeated {min_items: 1}", ["a"], [], "must have at least 1 item, has none"),
    ("repeated string", "repeated {max_items: 1}", ["a"], ["a", "b"], "must have at most 1 item, has 2"),
    ("repeated string", "repeated {unique: true}", ["a", "b"], ["a", "b", "a"], "value[2]: is the same as item 0"),
    ("repeated message", "repeated {unique: true}", [{"code": 1}, {}], [{}, {}], "value[1]: is the same as item 0"),
    ("repeated string", "repeated {items {string {min_len: 1}}}", [], ["a", ""], "value[1]: must be at least 1"),
    (
        "repeated string",
        "repeated {items {string {min_len: 2 ignore_empty: true}}}",
        ["", "ab"],
        ["", "a"],
        "value[1]: must be at least 2",
    ),
    ("repeated string", "repeated {min_items: 2 ignore_empty: true}", [], ["a"], "must have at least 2 items, has 1"),
    ("map", "map {min_pairs: 1}", {"a": 1}, {}, "must have at least 1 entry, has none"),
    ("map", "map {max_pairs: 1}", {"a": 1}, {"a": 1, "b": 2}, "must have at most 1 entry, has 2"),
    ("map", "map {keys {string {min_len: 2}}}", {"ab": 1}, {"a": 1}, "value.a: the key must be at least 2"),
    ("map", "map {values {uint32 {gt: 1}}}", {"a": 2}, {"b": 2, "a": 1}, "value.a: must be greater than 1, is 1"),
    ("map", "map {min_pairs: 2 ignore_empty: true}", {}, {"a": 1}, "must have at least 2 entries, has 1"),
    ("map", "map {no_sparse: true}", {"a": 0}, None, ""),
]


@pytest.mark.parametrize(("kind", "rules", "good", "bad", "words"), KINDS, ids=[row[1] for row in KINDS])
def test_every_kind_of_rule(tmp_path: Path, kind: str, rules: str, good: object, bad: object, words: str) -> None:
    api = an_api(tmp_path, kind, rules)
    assert broken(api, {"value": good}) == []
    found = broken(api, {"value": bad})
    assert len(found) == (1 if words else 0)
    if words:
        assert found[0].startswith("value")
        assert words in found[0]


def test_a_pattern_that_python_cannot_express_is_left_to_envoy(tmp_path: Path) -> None:
    api = an_api(tmp_path, "string", r'string {pattern: "^\\pL$"}')
    assert broken(api, {"value": "1"}) == []


@pytest.mark.parametrize("number", [1071, 1072])
def test_a_message_that_is_exempt_is_not_checked(tmp_path: Path, number: int) -> None:
    tag = number << 3
    option = bytes([tag & 0x7F | 0x80, tag >> 7, 1])  # `true` in the field of validate.disabled or validate.ignored
    assert broken(an_api(tmp_path, "uint32", "uint32 {gt: 1}", message_options=option), {"value": 0}) == []
    assert broken(an_api(tmp_path, "uint32", "uint32 {gt: 1}"), {"value": 0}) == ["value: must be greater than 1, is 0"]


def found(data: dict[str, Any]) -> list[tuple[str, str]]:
    parsed = from_json(load_default(), data)
    assert parsed.problems == ()
    assert parsed.message is not None
    return [(problem.path_text(one.path), one.code) for one in violations(load_default(), parsed.message)]


BROKEN, REQUIRED = problem.RULE_BROKEN, problem.REQUIRED


def test_envoys_own_rules_are_found_at_every_depth() -> None:
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "", "port_value": 70000}}}}
    cluster = {
        "@type": ENVOY + "config.cluster.v3.Cluster",
        "connect_timeout": "0s",
        "health_checks": [{"timeout": "1s", "interval": "0s", "tcp_health_check": {}}],
        "load_assignment": {"cluster_name": "web", "endpoints": [{"lb_endpoints": [endpoint]}, {"priority": 129}]},
    }
    assert found(cluster) == [
        ("name", BROKEN),
        ("connect_timeout", BROKEN),
        ("health_checks[0].interval", BROKEN),
        ("health_checks[0].unhealthy_threshold", REQUIRED),
        ("health_checks[0].healthy_threshold", REQUIRED),
        ("load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address", BROKEN),
        ("load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value", BROKEN),
        ("load_assignment.endpoints[1].priority", BROKEN),
    ]


def test_rules_hold_inside_an_any_and_inside_a_map() -> None:
    fault = {"@type": ENVOY + "extensions.filters.http.fault.v3.HTTPFault", "abort": {"http_status": 42}}
    host = {"name": "a", "domains": ["*"], "typed_per_filter_config": {"envoy.filters.http.fault": fault}}
    route = {"@type": ENVOY + "config.route.v3.RouteConfiguration", "virtual_hosts": [host]}
    place = "virtual_hosts[0].typed_per_filter_config.envoy.filters.http.fault.abort"
    assert found(route) == [(f"{place}.http_status", BROKEN)]


def test_a_oneof_that_has_to_be_set_is_told_at_its_message() -> None:
    route = {"match": {}, "route": {"cluster": "a"}}
    host = {"name": "a", "domains": ["*"], "routes": [route, {"match": {"prefix": "/"}}]}
    assert found({"@type": ENVOY + "config.route.v3.RouteConfiguration", "virtual_hosts": [host]}) == [
        ("virtual_hosts[0].routes[0].match", REQUIRED),
        ("virtual_hosts[0].routes[1]", REQUIRED),
    ]


def test_a_field_of_a_oneof_is_checked_only_when_it_is_the_one() -> None:
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    host = {"name": "a", "domains": ["*"], "routes": [route]}
    assert found({"@type": ENVOY + "config.route.v3.RouteConfiguration", "virtual_hosts": [host]}) == []


def test_an_any_of_an_unknown_type_is_not_looked_into() -> None:
    message: Any = load_default().new("envoy.config.core.v3.TypedExtensionConfig")
    message.name = "x"
    message.typed_config.type_url, message.typed_config.value = PREFIX + "acme.Own", b"\xff"
    assert violations(load_default(), message) == ()


def test_broken_bytes_in_an_any_are_a_problem() -> None:
    message: Any = load_default().new("envoy.config.core.v3.TypedExtensionConfig")
    message.name = "x"
    message.typed_config.type_url, message.typed_config.value = ENVOY + "config.cluster.v3.Cluster", b"\xff"
    (one,) = violations(load_default(), message)
    assert (one.path, one.code) == (("typed_config", "value"), problem.BROKEN_BYTES)


def test_an_any_nested_without_end_is_one_problem() -> None:
    message: Any = load_default().new("google.protobuf.Any")
    for _ in range(300):
        outer: Any = load_default().new("google.protobuf.Any")
        outer.type_url, outer.value = PREFIX + "google.protobuf.Any", message.SerializeToString()
        message = outer
    assert [one.code for one in violations(load_default(), message)] == [problem.TOO_DEEP]


def test_a_thousand_small_resources_are_checked_in_half_a_second() -> None:
    address = {"socket_address": {"address": "10.0.0.1", "port_value": 80}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    data = {
        "@type": ENVOY + "config.cluster.v3.Cluster",
        "name": "web",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "web", "endpoints": endpoints},
    }
    message = from_json(load_default(), data).message
    assert message is not None
    assert violations(load_default(), message) == ()
    began = time.process_time()
    for _ in range(1_000):
        violations(load_default(), message)
    assert time.process_time() - began < 0.5
