"""Bytes from a client -> the requests of the core.  The only place where a client's protobuf is parsed.

What cannot be read ends the stream with words for the person who debugs that client; it is never a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from api.envoy.registry import EnvoyApi
from xds.protocol.plan import Close
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node, StateRequest
from xds.protocol.types import TypeUrl
from xds.transport.limits import Limits
from xds.transport.load_decoding import LOAD_REQUEST, LoadRequest, cluster_reports

STATE_REQUEST = "envoy.service.discovery.v3.DiscoveryRequest"
DELTA_REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
TYPE_URL_PREFIX = "type.googleapis.com/"


class StreamRefused(Exception):
    """A client's stream must end: `close` says with which status and words."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.close = Close(status, message)


class RequestDecoder:
    """Parses both variants' requests, and load reports, with the message classes of the private pool."""

    def __init__(self, api: EnvoyApi, limits: Limits) -> None:
        self._state_class = api.message_class(STATE_REQUEST)
        self._delta_class = api.message_class(DELTA_REQUEST)
        self._load_class = api.message_class(LOAD_REQUEST)
        self._pool = api.pool
        self._limits = limits

    def state(self, data: bytes) -> StateRequest:
        """A DiscoveryRequest. Raises StreamRefused."""
        return self._state_request(_of_variant(self._state_class, self._delta_class, data))

    def state_json(self, data: bytes) -> StateRequest:
        """A DiscoveryRequest in JSON; fields that nobody here knows are skipped. Raises StreamRefused."""
        from google.protobuf import json_format

        message: Any = self._state_class()
        try:
            json_format.Parse(data, message, ignore_unknown_fields=True, descriptor_pool=self._pool)
        except (json_format.Error, ValueError, RecursionError) as error:
            name = message.DESCRIPTOR.full_name
            raise StreamRefused("INVALID_ARGUMENT", f"the body is not a {name} in JSON: {error}") from error
        return self._state_request(message)

    def _state_request(self, message: Any) -> StateRequest:
        return StateRequest(
            type_url=TypeUrl(message.type_url),
            version_info=message.version_info,
            resource_names=tuple(message.resource_names),
            response_nonce=message.response_nonce,
            error_detail=_error_detail(message),
            node=self._node(message),
        )

    def delta(self, data: bytes) -> DeltaRequest:
        """A DeltaDiscoveryRequest. Raises StreamRefused."""
        message = _of_variant(self._delta_class, self._state_class, data)
        return DeltaRequest(
            type_url=TypeUrl(message.type_url),
            subscribe=tuple(message.resource_names_subscribe),
            unsubscribe=tuple(message.resource_names_unsubscribe),
            initial_resource_versions=dict(message.initial_resource_versions),
            response_nonce=message.response_nonce,
            error_detail=_error_detail(message),
            node=self._node(message),
        )

    def load(self, data: bytes) -> LoadRequest:
        """A LoadStatsRequest. Raises StreamRefused."""
        message = _parsed(self._load_class, data)
        return LoadRequest(self._node(message), *cluster_reports(message, self._limits.load_entries))

    def _node(self, message: Any) -> Node | None:
        if not message.HasField("node"):
            return None
        node = message.node
        size = len(node.id) + len(node.cluster) + node.metadata.ByteSize()
        if size > self._limits.node_bytes:
            limit = self._limits.node_bytes
            raise StreamRefused(
                "INVALID_ARGUMENT", f"the node's id, cluster and metadata are {size} bytes; at most {limit}"
            )
        return Node(
            id=node.id,
            cluster=node.cluster,
            user_agent=_user_agent(node),
            region=node.locality.region,
            zone=node.locality.zone,
            client_features=tuple(node.client_features),
            metadata=_plain(node.metadata),
        )


def _of_variant(message_class: type[Message], other_class: type[Message], data: bytes) -> Any:
    """A request of the variant that the method speaks. One of the other may well be read as it, in the wrong fields."""
    try:
        message = _parsed(message_class, data)
        mistaken = not message.type_url.startswith(TYPE_URL_PREFIX) and _reads_as(other_class, data)
    except StreamRefused:
        if not _reads_as(other_class, data):
            raise
        mistaken = True
    if mistaken:
        named, meant = other_class.DESCRIPTOR.full_name, message_class.DESCRIPTOR.full_name
        raise StreamRefused(
            "INVALID_ARGUMENT",
            f"this is a {named} and the method takes a {meant}; Delta… methods are the incremental variant, Stream… "
            "the state of the world, and a stream speaks one of them",
        )
    return message


def _reads_as(message_class: type[Message], data: bytes) -> bool:
    message: Any = message_class()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return False
    is_one: bool = message.type_url.startswith(TYPE_URL_PREFIX)
    return is_one


def _parsed(message_class: type[Message], data: bytes) -> Any:
    message = message_class()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        name = message.DESCRIPTOR.full_name
        raise StreamRefused("INVALID_ARGUMENT", f"these {len(data)} bytes are not a {name}: {error}") from error
    return message


def _error_detail(message: Any) -> ErrorDetail | None:
    if not message.HasField("error_detail"):
        return None
    return ErrorDetail(message.error_detail.code, message.error_detail.message)


def _user_agent(node: Any) -> str:
    """Such as `envoy/1.38.0`."""
    version = node.user_agent_version
    if node.HasField("user_agent_build_version"):
        built = node.user_agent_build_version.version
        version = f"{built.major_number}.{built.minor_number}.{built.patch}"
    return f"{node.user_agent_name}/{version}".strip("/")


def _plain(metadata: Message) -> Mapping[str, object]:
    if not metadata.ByteSize():
        return {}
    from google.protobuf import json_format  # two MiB, that many agents never need

    try:
        plain: dict[str, object] = json_format.MessageToDict(metadata)
    except (json_format.Error, ValueError, RecursionError) as error:
        raise StreamRefused("INVALID_ARGUMENT", f"the node's metadata has no JSON form: {error}") from error
    return plain
