"""Requests of the core -> bytes, and bytes -> answers of the core: the only place where an upstream's protobuf is read.

What cannot be read is told as `Rubbish`, never as a traceback. Bodies are looked into for what they refer to, and are
handed on as they came.
"""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from api.envoy.registry import EnvoyApi
from api.envoy.resources import aliases, references
from api.errors import InvalidConfig
from xds.client.answers import Answer
from xds.client.telling import told
from xds.protocol.requests import DeltaRequest, Node
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import BY_URL, TypeUrl

REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
RESPONSE = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
TURN = 32
"""Bodies that are looked into at a time: whoever else waits for the event loop has his turn in between."""

_KNOWN = {str(url): url for url in BY_URL}


class Rubbish(Exception):
    """What came is no answer; the words say why."""


class Messages:
    """With the message classes of the private pool."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
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
        type_url = _KNOWN.get(message.type_url) or TypeUrl(message.type_url)
        version, revision, whole = told(message.system_version_info)
        bodied = [one for one in message.resources if not _is_unresolved(one)]
        return Answer(
            type_url,
            message.nonce,
            version,
            revision,
            await self._resources(type_url, bodied),
            tuple(message.removed_resources),
            tuple(one.name for one in message.resources if _is_unresolved(one)),
            tuple((one.name, tuple(one.aliases)) for one in bodied if one.aliases),
            whole,
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
        of_type = type_url if said == type_url else TypeUrl(said)
        refers_to, stands_for = self._looked_into(of_type, body)
        return Resource(of_type, told.name, told.version, body, refers_to, stands_for, ttl_ms=ttl_ms)

    def _looked_into(self, type_url: TypeUrl, body: bytes) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
        """What the body refers to, and its aliases; nothing of what is unknown here: Envoy judges that."""
        if not body or not self._api.knows(type_url):
            return (), ()
        try:
            message = self._api.parse(type_url, body)
        except InvalidConfig:
            return (), ()
        found = references(self._api, message)
        return tuple(Reference(_type(one.type_url), one.name) for one in found), aliases(message)


def _is_unresolved(told: Any) -> bool:
    """A name that stands for nothing: no body, no version, no time to live."""
    return not (told.HasField("resource") or told.version or told.HasField("ttl"))


def _type(url: str) -> TypeUrl:
    return _KNOWN.get(url) or TypeUrl(url)


def _introduce(message: Any, node: Node) -> None:
    """Fill envoy.config.core.v3.Node."""
    message.id, message.cluster = node.id, node.cluster
    message.client_features.extend(node.client_features)
    if node.region or node.zone:
        message.locality.region, message.locality.zone = node.region, node.zone
    if node.metadata:
        json_format.ParseDict(dict(node.metadata), message.metadata)
    message.user_agent_name, _, version = node.user_agent.partition("/")
    numbers = version.split(".")
    if len(numbers) == 3 and all(number.isascii() and number.isdigit() for number in numbers):
        built = message.user_agent_build_version.version
        built.major_number, built.minor_number, built.patch = (int(number) for number in numbers)
    else:
        message.user_agent_version = version
