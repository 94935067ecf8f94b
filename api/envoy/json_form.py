"""Envoy's JSON form of its messages, both ways. What a file is, and where its lines are, is authoring's business.

Source: proto3's JSON mapping, with the field names of the protos (`connect_timeout`), as Envoy's documentation has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from api.envoy.json_reader import JsonReader
from api.envoy.json_writer import JsonWriter
from api.envoy.problem import Problem
from api.envoy.registry import EnvoyApi, type_url_of


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read. `message` is None when its type cannot be told; with problems it is what could be read."""

    message: Message | None
    problems: tuple[Problem, ...] = ()


def to_json(api: EnvoyApi, message: Message) -> dict[str, Any]:
    """`message` as an object with `@type` first. Never raises: what is unknown inside is named, with base64 bytes."""
    return JsonWriter(api).typed(message, type_url_of(message), 1)


def from_json(api: EnvoyApi, data: Mapping[str, Any]) -> Parsed:
    """The message that `data` describes (`@type` says which), and every problem with its path as authored."""
    reader = JsonReader(api)
    message = reader.typed(data, (), 1)
    return Parsed(message, tuple(reader.problems))
