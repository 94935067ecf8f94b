"""Requests of the core -> bytes, and bytes -> answers of the core: the only place where an upstream's protobuf is read.

What cannot be read is told as `Rubbish`, never as a traceback. Bodies are looked into for what they refer to, and are
handed on as they came.
"""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.message import DecodeError

from agents.node.relations import known_type, relations_in
from api.envoy.registry import EnvoyApi
from xds.client.answers import Answer
from xds.client.telling import told
from xds.protocol.requests import DeltaRequest, Node
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl

REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
RESPONSE = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
TURN = 32
"""Bodies that are looked into at a time: whoever else waits for the event loop has his turn in between."""


class Rubbish(Exception):
    """What came is no answer; the words say why."""


class Messages:
    """With the message classes of the private pool."""

    def __init__(self, api: EnvoyApi) -> None:
        self._relate = relations_in(api)
        self._request_class: Any = api.message_class(REQUEST)
        self._response_class: Any = api.message_class(RESPONSE)

    def request(self, request: DeltaRequest) -> bytes:
        """A DeltaDiscoveryRequest."""
        message = self._request_class(
            type_url=request.type_url,
            resource_names_subscribe=request.subscribe,
            resource_names_unsubscribe=request.unsubscribe,
            initial_resource_versions=request.initial_resource_versions,
            response_nonce=request.response_nonce,
        )
        if request.error_detail is not None:
            message.error_detail.code = request.error_detail.code
            message.error_detail.message = request.error_detail.message
        if request.node is not None:
            _introduce(message.node, request.node)
        data: bytes = message.SerializeToString()
        return data

    async def answer(self, data: bytes) -> Answer:
        """A DeltaDiscoveryResponse. Raises Rubbish."""
        try:
            message = self._response_class.FromString(data)
        except DecodeError as error:
            raise Rubbish(f"these {len(data)} bytes are no {RESPONSE}: {error}") from error
        if not message.type_url or not message.nonce:
            raise Rubbish(f"a {RESPONSE} without {'a nonce' if message.type_url else 'a type_url'}")
        type_url = known_type(message.type_url)
        said = told(message.system_version_info)
        bodied = [one for one in message.resources if not _is_unresolved(one)]
        return Answer(
            type_url,
            message.nonce,
            said.version,
            said.revision,
            await self._resources(type_url, bodied),
            tuple(message.removed_resources),
            tuple(one.name for one in message.resources if _is_unresolved(one)),
            tuple((one.name, tuple(one.aliases)) for one in bodied if one.aliases),
            said.whole,
            said.complete,
            said.is_old,
            said.has_more,
        )

    async def _resources(self, type_url: TypeUrl, resources: list[Any]) -> tuple[Resource, ...]:
        found = []
        for number, one in enumerate(resources, 1):
            found.append(self._resource(type_url, one))
            if number % TURN == 0:
                await asyncio.sleep(0)
        return tuple(found)

    def _resource(self, type_url: TypeUrl, told: Any) -> Resource:
        body = told.resource.value
        said = told.resource.type_url if told.HasField("resource") else type_url
        ttl_ms = round(told.ttl.ToNanoseconds() / 1_000_000) if told.HasField("ttl") else 0
        of_type = known_type(said)
        relations = self._relate(of_type, body)
        return Resource(of_type, told.name, told.version, body, *relations, ttl_ms=ttl_ms)


def _is_unresolved(told: Any) -> bool:
    """A name that stands for nothing: no body, no version, no time to live."""
    return not (told.HasField("resource") or told.version or told.HasField("ttl"))


def _introduce(message: Any, node: Node) -> None:
    """Fill envoy.config.core.v3.Node."""
    message.id, message.cluster = node.id, node.cluster
    message.client_features.extend(node.client_features)
    if node.region or node.zone:
        message.locality.region, message.locality.zone = node.region, node.zone
    if node.metadata:
        from google.protobuf import json_format

        json_format.ParseDict(dict(node.metadata), message.metadata)
    message.user_agent_name, _, version = node.user_agent.partition("/")
    numbers = version.split(".")
    if len(numbers) == 3 and all(number.isascii() and number.isdigit() for number in numbers):
        built = message.user_agent_build_version.version
        built.major_number, built.minor_number, built.patch = (int(number) for number in numbers)
    else:
        message.user_agent_version = version
