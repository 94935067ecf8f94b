"""What a client's bytes become, and which of them end its stream."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy.registry import load_default
from xds.protocol.requests import ErrorDetail
from xds.protocol.types import CLUSTER
from xds.transport.decoding import DELTA_REQUEST, STATE_REQUEST, RequestDecoder, StreamRefused
from xds.transport.limits import Limits

DECODER = RequestDecoder(load_default(), Limits())


def a_message(name: str) -> Any:
    message: Any = load_default().new(name)
    message.type_url = CLUSTER
    return message


def test_delta_request_has_all_that_was_said() -> None:
    message = a_message(DELTA_REQUEST)
    message.resource_names_subscribe.extend(["b", "a"])
    message.resource_names_unsubscribe.append("c")
    message.initial_resource_versions["d"] = "1"
    message.response_nonce = "9"
    message.error_detail.code, message.error_detail.message = 3, "no"
    request = DECODER.delta(message.SerializeToString())
    assert (request.type_url, request.subscribe, request.unsubscribe) == (CLUSTER, ("b", "a"), ("c",))
    assert request.initial_resource_versions == {"d": "1"}
    assert (request.response_nonce, request.error_detail) == ("9", ErrorDetail(3, "no"))
    assert request.node is None


def test_state_request_has_all_that_was_said() -> None:
    message = a_message(STATE_REQUEST)
    message.resource_names.extend(["b", "a"])
    message.version_info, message.response_nonce = "v", "9"
    request = DECODER.state(message.SerializeToString())
    assert (request.version_info, request.resource_names, request.response_nonce) == ("v", ("b", "a"), "9")
    assert request.error_detail is None


def test_rejection_without_code_and_words_is_still_a_rejection() -> None:
    message = a_message(STATE_REQUEST)
    message.error_detail.SetInParent()
    assert DECODER.state(message.SerializeToString()).error_detail == ErrorDetail(0, "")


def test_node_as_envoy_tells_it() -> None:
    message = a_message(DELTA_REQUEST)
    node = message.node
    node.id, node.cluster, node.user_agent_name = "edge", "shop", "envoy"
    version = node.user_agent_build_version.version
    version.major_number, version.minor_number, version.patch = 1, 38, 2
    node.locality.region, node.locality.zone = "eu", "eu-1"
    node.metadata["tier"] = {"name": "front", "weights": [1, 2]}
    node.client_features.append("xds.config.resource-in-sotw")
    told = DECODER.delta(message.SerializeToString()).node
    assert told is not None
    assert (told.id, told.cluster, told.user_agent) == ("edge", "shop", "envoy/1.38.2")
    assert (told.region, told.zone) == ("eu", "eu-1")
    assert told.metadata == {"tier": {"name": "front", "weights": [1.0, 2.0]}}
    assert told.client_features == ("xds.config.resource-in-sotw",)


def test_user_agent_with_a_plain_version() -> None:
    message = a_message(STATE_REQUEST)
    message.node.id, message.node.user_agent_name, message.node.user_agent_version = "edge", "gRPC Python", "1.2"
    told = DECODER.state(message.SerializeToString()).node
    assert told is not None
    assert told.user_agent == "gRPC Python/1.2"


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05ab", b"\x12\x02\xff\xff", b"rubbish"])
def test_bytes_that_are_no_request_are_refused_with_words(data: bytes) -> None:
    for decode in (DECODER.delta, DECODER.state):
        with pytest.raises(StreamRefused, match=f"these {len(data)} bytes are not a envoy.service") as refused:
            decode(data)
        assert refused.value.close.status == "INVALID_ARGUMENT"


def test_metadata_nested_too_deeply_is_refused() -> None:
    message = a_message(DELTA_REQUEST)
    inner = message.node.metadata
    for _ in range(60):
        inner = inner.fields["x"].struct_value
    with pytest.raises(StreamRefused):
        DECODER.delta(message.SerializeToString())
