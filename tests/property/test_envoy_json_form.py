"""Whatever message there is: its JSON form reads back to it, protobuf agrees, and its bytes are always the same."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json, to_json
from api.envoy.messages import is_map
from api.envoy.registry import load_default, type_url_of

DEPTH = 3
MESSAGES = (
    "envoy.config.cluster.v3.Cluster",
    "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "envoy.config.listener.v3.Listener",
    "envoy.config.route.v3.RouteConfiguration",
    "envoy.config.route.v3.RouteAction",
    "envoy.service.runtime.v3.Runtime",
    "envoy.extensions.transport_sockets.tls.v3.Secret",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(allow_nan=False, width=32),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_STRING: TEXT,
}
STRUCTS = st.dictionaries(
    TEXT, st.recursive(st.none() | st.booleans() | TEXT | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=3))
)


def fill(draw: st.DrawFn, message: Any, depth: int) -> None:
    """Set a few fields of `message`, whatever they are."""
    descriptor: Descriptor = message.DESCRIPTOR
    if descriptor.full_name == "google.protobuf.Any":
        payload: Any = load_default().new(draw(st.sampled_from(MESSAGES)))
        fill(draw, payload, depth - 1)
        message.type_url, message.value = type_url_of(payload), payload.SerializeToString()
    elif descriptor.full_name == "google.protobuf.Struct":
        message.update(draw(STRUCTS))
    elif descriptor.full_name in ("google.protobuf.Duration", "google.protobuf.Timestamp"):
        message.seconds, message.nanos = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9 - 1))
    elif descriptor.full_name == "google.protobuf.Value":
        message.string_value = draw(TEXT)
    elif descriptor.full_name == "google.protobuf.FieldMask":
        message.paths.append("name")
    elif depth > 0 and descriptor.fields:
        for field in draw(st.lists(st.sampled_from(list(descriptor.fields)), max_size=4, unique_by=lambda f: f.name)):
            fill_field(draw, field, message, depth)


def fill_field(draw: st.DrawFn, field: FieldDescriptor, message: Any, depth: int) -> None:
    target = getattr(message, field.name)
    if is_map(field):
        entry: Any = field.message_type
        for key in draw(st.lists(a_scalar(entry.fields_by_name["key"]), max_size=3, unique=True)):
            if entry.fields_by_name["value"].message_type is None:
                target[key] = draw(a_scalar(entry.fields_by_name["value"]))
            else:
                fill(draw, target[key], depth - 1)
    elif field.is_repeated:
        for _ in range(draw(st.integers(0, 2))):
            if field.message_type is None:
                target.append(draw(a_scalar(field)))
            else:
                fill(draw, target.add(), depth - 1)
    elif field.message_type is not None:
        target.SetInParent()
        fill(draw, target, depth - 1)
    else:
        setattr(message, field.name, draw(a_scalar(field)))


def a_scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=8)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return SCALARS[field.cpp_type]


@st.composite
def messages(draw: st.DrawFn, full_name: str) -> Any:
    message = load_default().new(full_name)
    fill(draw, message, DEPTH)
    return message


@pytest.mark.parametrize("full_name", MESSAGES)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_json_form_reads_back_to_the_same_message(full_name: str, data: st.DataObject) -> None:
    api, message = load_default(), data.draw(messages(full_name))
    written = to_json(api, message)
    parsed = from_json(api, written)
    assert parsed.problems == ()
    assert parsed.message is not None
    assert serialize(api, parsed.message) == serialize(api, message)
    assert to_json(api, parsed.message) == written


@pytest.mark.parametrize("full_name", MESSAGES)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_protobufs_own_reader_understands_what_is_written(full_name: str, data: st.DataObject) -> None:
    api, message = load_default(), data.draw(messages(full_name))
    written = {key: value for key, value in to_json(api, message).items() if key != "@type"}
    theirs = json_format.ParseDict(written, api.new(full_name), descriptor_pool=api.pool)
    assert serialize(api, theirs) == serialize(api, message)


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_arbitrary_json_never_crashes_the_reader(data: st.DataObject) -> None:
    api = load_default()
    keys = st.sampled_from([field.name for field in api.new(MESSAGES[0]).DESCRIPTOR.fields]) | TEXT
    anything = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    )
    document = data.draw(st.dictionaries(keys, anything, max_size=5))
    parsed = from_json(api, {**document, "@type": f"type.googleapis.com/{MESSAGES[0]}"})
    assert parsed.message is not None
    if not parsed.problems:
        assert api.parse(type_url_of(parsed.message), parsed.message.SerializeToString()) == parsed.message
