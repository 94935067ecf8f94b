"""Hand-joined responses are what the real messages would say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.envoy.registry import load_default
from xds.protocol.plan import ResourceError, Response
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, Nonce
from xds.protocol.variant import Variant
from xds.transport import encoding
from xds.transport.encoding import ResponseEncoder

MIB = 1024 * 1024
SIZES = (0, 1, 100, 127, 128, 16_383, 16_384, 3_000_000)


def a_response(*resources: Resource, nonce: str = "7", removed: tuple[str, ...] = (), key: object = "key") -> Response:
    return Response(CLUSTER, Nonce(nonce), "v1", resources, removed, key)


def parsed(name: str, data: bytes) -> Any:
    message = load_default().new(f"envoy.service.discovery.v3.{name}")
    message.ParseFromString(data)
    return message


@pytest.mark.parametrize("size", SIZES)
def test_delta_response_reads_back_whatever_the_size(size: int) -> None:
    resource = Resource.of(CLUSTER, "näme", bytes(size))
    data = ResponseEncoder(MIB, "us").encode(Variant.DELTA, a_response(resource, resource, removed=("gone", ""))).data
    message = parsed("DeltaDiscoveryResponse", data)
    assert message.system_version_info == "v1"
    assert (message.type_url, message.nonce) == (CLUSTER, "7")
    assert message.control_plane.identifier == "us"
    assert list(message.removed_resources) == ["gone", ""]
    assert len(message.resources) == 2
    for sent in message.resources:
        assert (sent.name, sent.version, sent.resource.type_url) == ("näme", resource.version, CLUSTER)
        assert sent.resource.value == resource.body


@pytest.mark.parametrize("size", SIZES)
def test_state_response_reads_back_whatever_the_size(size: int) -> None:
    resource = Resource.of(CLUSTER, "one", bytes(size))
    data = ResponseEncoder(MIB, "us").encode(Variant.STATE_OF_THE_WORLD, a_response(resource, resource)).data
    message = parsed("DiscoveryResponse", data)
    assert (message.version_info, message.type_url, message.nonce) == ("v1", CLUSTER, "7")
    assert message.control_plane.identifier == "us"
    assert [(sent.type_url, sent.value) for sent in message.resources] == [(CLUSTER, resource.body)] * 2


def test_nothing_is_sent_that_the_messages_do_not_know() -> None:
    resource = Resource.of(CLUSTER, "one", b"body")
    for variant, name in ((Variant.DELTA, "DeltaDiscoveryResponse"), (Variant.STATE_OF_THE_WORLD, "DiscoveryResponse")):
        data = ResponseEncoder(MIB, "us").encode(variant, a_response(resource)).data
        assert len(parsed(name, data).SerializeToString()) == len(data)


def test_only_the_nonce_differs_between_streams_that_share() -> None:
    encoder = ResponseEncoder(MIB)
    resource = Resource.of(CLUSTER, "one", b"body")
    first = encoder.encode(Variant.DELTA, a_response(resource, nonce="1"))
    second = encoder.encode(Variant.DELTA, a_response(resource, nonce="12"))
    assert (first.fresh, second.fresh) == (True, False)
    assert parsed("DeltaDiscoveryResponse", second.data).nonce == "12"


def test_variants_never_share() -> None:
    encoder = ResponseEncoder(MIB)
    resource = Resource.of(CLUSTER, "one", b"body")
    encoder.encode(Variant.DELTA, a_response(resource))
    assert encoder.encode(Variant.STATE_OF_THE_WORLD, a_response(resource)).fresh


def test_where_each_response_is_made_for_one_client_alone_nothing_of_it_is_kept() -> None:
    response = a_response(Resource.of(CLUSTER, "told once", b"body"))
    before = encoding._kept_delta_frame.cache_info().currsize
    once = ResponseEncoder(0, keeps_frames=False).encode(Variant.DELTA, response)
    assert encoding._kept_delta_frame.cache_info().currsize == before
    assert once == ResponseEncoder(0).encode(Variant.DELTA, response)
    assert encoding._kept_delta_frame.cache_info().currsize == before + 1


def test_what_is_kept_is_bounded_and_the_least_used_goes_first() -> None:
    encoder = ResponseEncoder(10_000)
    for number in range(100):
        resource = Resource.of(CLUSTER, f"r{number}", bytes(1_000))
        encoder.encode(Variant.DELTA, a_response(resource, key=number))
        encoder.encode(Variant.DELTA, a_response(Resource.of(CLUSTER, "often", bytes(1_000)), key="often"))
    assert encoder.kept_bytes <= 10_000
    often = a_response(Resource.of(CLUSTER, "often", bytes(1_000)), key="often")
    assert not encoder.encode(Variant.DELTA, often).fresh


def test_response_larger_than_all_that_may_be_kept_is_not_kept() -> None:
    encoder = ResponseEncoder(100)
    encoder.encode(Variant.DELTA, a_response(Resource.of(CLUSTER, "big", bytes(1_000))))
    assert encoder.kept_bytes == 0


@pytest.mark.parametrize(
    ("variant", "name"), [(Variant.DELTA, "DeltaDiscoveryResponse"), (Variant.STATE_OF_THE_WORLD, "DiscoveryResponse")]
)
def test_errors_of_resources_read_back(variant: Variant, name: str) -> None:
    errors = (ResourceError("näme", 5, "no such thing"), ResourceError("other", 7, "x" * 200))
    response = replace(a_response(Resource.of(CLUSTER, "one", b"body")), errors=errors)
    data = ResponseEncoder(MIB, "us").encode(variant, response).data
    message = parsed(name, data)
    told = [(e.resource_name.name, e.error_detail.code, e.error_detail.message) for e in message.resource_errors]
    assert told == [("näme", 5, "no such thing"), ("other", 7, "x" * 200)]
    assert len(message.resources) == 1
    assert len(message.SerializeToString()) == len(data)


def timed(size: int, ttl_ms: int) -> Resource:
    return Resource.of(CLUSTER, "näme", bytes(size), ttl_ms=ttl_ms)


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("ttl_ms", [1, 999, 1_000, 1_500, 86_400_000])
def test_times_to_live_read_back_in_both_variants(size: int, ttl_ms: int) -> None:
    resource, lasting = timed(size, ttl_ms), Resource.of(CLUSTER, "lasting", b"body")
    response = replace(a_response(resource, lasting), tells_ttl=True)
    delta_data = ResponseEncoder(MIB).encode(Variant.DELTA, response).data
    delta = parsed("DeltaDiscoveryResponse", delta_data)
    state_data = ResponseEncoder(MIB).encode(Variant.STATE_OF_THE_WORLD, response).data
    state = parsed("DiscoveryResponse", state_data)
    wrapped, plain = state.resources
    assert wrapped.type_url == "type.googleapis.com/envoy.service.discovery.v3.Resource"
    for told in (delta.resources[0], parsed("Resource", wrapped.value)):
        assert (told.name, told.version, told.ttl.ToMilliseconds()) == ("näme", resource.version, ttl_ms)
        assert (told.resource.type_url, told.resource.value) == (CLUSTER, resource.body)
    assert not delta.resources[1].HasField("ttl")
    assert (plain.type_url, plain.value) == (CLUSTER, b"body")
    for message, data in ((delta, delta_data), (state, state_data)):
        assert len(message.SerializeToString()) == len(data)


def test_a_heartbeat_has_no_resource_in_it() -> None:
    resource = timed(100, 5_000)
    response = replace(a_response(resource.without_body()), tells_ttl=True)
    (told,) = parsed("DeltaDiscoveryResponse", ResponseEncoder(MIB).encode(Variant.DELTA, response).data).resources
    assert (told.name, told.version, told.ttl.seconds) == ("näme", resource.version, 5)
    assert not told.HasField("resource")


@pytest.mark.parametrize("variant", list(Variant))
def test_who_does_not_take_times_to_live_gets_the_same_bytes_as_without(variant: Variant) -> None:
    resource = timed(100, 5_000)
    lasting = replace(resource, ttl_ms=0)
    encoded = [ResponseEncoder(MIB).encode(variant, a_response(one)).data for one in (resource, lasting)]
    assert encoded[0] == encoded[1]


def test_what_a_name_stands_for_is_told_with_it_and_what_stands_for_nothing_without_a_body() -> None:
    web, api = Resource.of(CLUSTER, "web", b"body"), Resource.of(CLUSTER, "api", b"other")
    aliases = (("web", ("näme", "b")),)
    response = replace(a_response(web, api, removed=("gone",)), aliases=aliases, unresolved=("none",))
    message = parsed("DeltaDiscoveryResponse", ResponseEncoder(MIB, "us").encode(Variant.DELTA, response).data)
    told = [(one.name, list(one.aliases), one.version, one.resource.value) for one in message.resources]
    assert told == [
        ("web", ["näme", "b"], web.version, b"body"),
        ("api", [], api.version, b"other"),
        ("none", ["none"], "", b""),
    ]
    assert not message.resources[2].HasField("resource")
    assert list(message.removed_resources) == ["gone"]
