"""The same message gives the same bytes, in every process and however it was put together."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest

from api.envoy.deterministic import serialize
from api.envoy.json_form import to_json
from api.envoy.registry import load_default

PREFIX = "type.googleapis.com/"
CLUSTER = "envoy.config.cluster.v3.Cluster"
KEYS = [f"key-{number}" for number in range(40)]


def packed(message: Any) -> Any:
    """`message` in an Any, with the bytes in whatever order protobuf writes maps."""
    any_message: Any = load_default().new("google.protobuf.Any")
    any_message.type_url = PREFIX + message.DESCRIPTOR.full_name
    any_message.value = message.SerializeToString()
    return any_message


def with_maps(keys: list[str]) -> Any:
    """A message whose maps, at three levels of Any, were filled in the order of `keys`."""
    innermost: Any = load_default().new("envoy.config.core.v3.Metadata")
    for key in keys:
        innermost.filter_metadata[key].fields[key].string_value = key
    middle: Any = load_default().new(CLUSTER)
    for key in keys:
        middle.typed_extension_protocol_options[key].CopyFrom(packed(innermost))
    outer: Any = load_default().new("envoy.config.core.v3.TypedExtensionConfig")
    outer.typed_config.CopyFrom(packed(packed(middle)))
    return outer


def digest(message: Any) -> str:
    return hashlib.sha256(serialize(load_default(), message)).hexdigest()


def test_the_order_in_which_maps_were_filled_does_not_show() -> None:
    assert len({with_maps(keys).SerializeToString() for keys in (KEYS, KEYS[::-1])}) == 2
    assert digest(with_maps(KEYS)) == digest(with_maps(KEYS[::-1]))


def test_every_process_writes_the_same_bytes() -> None:
    script = "from tests.unit.test_envoy_deterministic import *; print(digest(with_maps(KEYS)))"
    seeds = ("0", "1", "31337", "random")
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        for seed in seeds
    ]
    assert {run.stdout.strip() for run in runs} == {digest(with_maps(KEYS))}


def test_the_bytes_mean_the_message() -> None:
    api, message = load_default(), with_maps(KEYS)
    back: Any = api.parse(PREFIX + message.DESCRIPTOR.full_name, serialize(api, message))
    assert to_json(api, back) == to_json(api, message)


def test_the_message_itself_is_left_alone() -> None:
    message = with_maps(KEYS[::-1])
    before = message.SerializeToString()
    serialize(load_default(), message)
    assert message.SerializeToString() == before


@pytest.mark.parametrize("type_url", [PREFIX + "acme.Own", PREFIX + CLUSTER, ""])
def test_what_cannot_be_read_is_kept_as_it_is(type_url: str) -> None:
    message: Any = load_default().new("google.protobuf.Any")
    message.type_url, message.value = type_url, b"\xff\xff"
    assert serialize(load_default(), message) == message.SerializeToString()


def test_an_any_nested_without_end_is_written() -> None:
    message: Any = load_default().new("google.protobuf.Any")
    for _ in range(300):
        message = packed(message)
    assert serialize(load_default(), message) == message.SerializeToString()
