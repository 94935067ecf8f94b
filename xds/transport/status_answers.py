"""The answers of Client Status Discovery: which nodes, told how, within bounds, and in small steps.

A row for each resource while all rows fit, else one for each type. Everybody else has a turn every few rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import Any

from api.envoy.registry import EnvoyApi
from xds.fleet import NodeState, NodeStatus
from xds.protocol.session import Session
from xds.protocol.splitting import RESPONSE_LIMIT_BYTES
from xds.transport.client_status import tell_node, tell_resources, tell_types
from xds.transport.decoding import StreamRefused
from xds.transport.streams import Edge, Stream

_STEP_ROWS = 100  # between two turns of everybody else; a node counts as one too

Rows = Callable[[Any, NodeStatus], Iterator[None]]


class StatusAnswers:
    """For all nodes that are connected to one server."""

    def __init__(self, api: EnvoyApi, edge: Edge) -> None:
        self._response_class = api.message_class("envoy.service.status.v3.ClientStatusResponse")
        self._edge = edge

    async def answer(self, request: Any) -> bytes:
        """A ClientStatusRequest -> the bytes of a ClientStatusResponse. Raises StreamRefused."""
        nodes = self._asked_for(request)
        wanted = sum(session.wants_at_most for node in nodes for session in self._sessions(node))
        answer = await self._told(nodes, self._each_resource) if wanted <= self._edge.limits.status_rows else None
        answer = answer if answer is not None else await self._told(nodes, self._each_type)
        if answer is None:
            raise _too_much(f"an answer would be larger than {RESPONSE_LIMIT_BYTES} bytes")
        return answer

    async def _told(self, nodes: tuple[NodeStatus, ...], rows: Rows) -> bytes | None:
        """None if it would be too large."""
        response: Any = self._response_class()
        size_bytes = 0
        steps = count(1)
        for node in nodes:
            config = response.config.add()
            tell_node(config, node)
            for _ in chain([None], rows(config, node)):
                if next(steps) % _STEP_ROWS == 0:
                    await asyncio.sleep(0)
            size_bytes += config.ByteSize()
            if size_bytes > RESPONSE_LIMIT_BYTES:
                return None
        answer: bytes = response.SerializeToString()
        return answer

    def _each_resource(self, config: Any, node: NodeStatus) -> Iterator[None]:
        return tell_resources(config, node, (one for session in self._sessions(node) for one in session.holdings()))

    def _each_type(self, config: Any, node: NodeStatus) -> Iterator[None]:
        return tell_types(config, node, self._edge.catalogues.revision(node.group))

    def _sessions(self, node: NodeStatus) -> list[Session]:
        streams = (self._edge.streams.get(number) for number in self._edge.fleet.streams(node.id))
        return [stream.session for stream in streams if isinstance(stream, Stream)]

    def _asked_for(self, request: Any) -> tuple[NodeStatus, ...]:
        """Connected nodes, all of them or those matched, by id."""
        fleet, limit = self._edge.fleet, self._edge.limits.status_nodes
        wanted = sorted({_node_id(matcher) for matcher in request.node_matchers})
        if not wanted:
            total = sum(fleet.counts(group).total for group in fleet.groups())
            if total > limit:
                raise _too_much(f"{total} nodes are connected, and at most {limit} are told of at once")
        elif len(wanted) > limit:
            raise _too_much(f"{len(wanted)} nodes are asked for, and at most {limit} are told of at once")
        found = map(fleet.node, wanted) if wanted else fleet.nodes()
        return tuple(node for node in found if node is not None and node.state is not NodeState.OFFLINE)


def _node_id(matcher: Any) -> str:
    exact = matcher.node_id.WhichOneof("match_pattern") == "exact" and not matcher.node_id.ignore_case
    if not exact or matcher.node_metadatas:
        raise StreamRefused(
            "INVALID_ARGUMENT", "a node matcher must be an exact node_id, without metadata; or leave out node_matchers"
        )
    node_id: str = matcher.node_id.exact
    return node_id


def _too_much(why: str) -> StreamRefused:
    advice = "name fewer nodes in node_matchers, or ask `fairlead nodes`"
    return StreamRefused("RESOURCE_EXHAUSTED", f"{why}; {advice}")
