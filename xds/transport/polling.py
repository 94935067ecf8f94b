"""Polls at the edge: which group a poll is answered from, and who is told of it. The answer is the session's.

Behind it are REST (`rest.py`) and the unary Fetch methods of gRPC. A poll is no stream, so its node is in no list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc

from api.errors import Denied
from xds.protocol.plan import Close, Response
from xds.protocol.polling import Poll
from xds.protocol.requests import Node, StateRequest
from xds.protocol.session import Limits as SessionLimits
from xds.protocol.types import GroupName, TypeUrl
from xds.protocol.variant import Variant
from xds.transport.catalogues import ServedGroup
from xds.transport.conversation import DEFECT, STATUS_CODES, Context, peer_address
from xds.transport.decoding import StreamRefused
from xds.transport.identity import AuthContext
from xds.transport.observer import PollInfo
from xds.transport.streams import Edge


class Poller:
    """Answers polls from what the streams of `edge` are served from."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self._limits = SessionLimits(names=edge.limits.names)

    def answer(
        self, request: StateRequest, only_type: TypeUrl, address: str, proved: AuthContext
    ) -> tuple[ServedGroup, Response | None]:
        """The group of the poll's node, and its response; None when the client has it. Raises StreamRefused.

        `proved`: what TLS says of the client. `only_type`: the type of the service that was asked.
        """
        poll = Poll(request, only_type, self._limits)
        if poll.refused is not None:
            raise StreamRefused(poll.refused.status, poll.refused.message)
        assert request.node is not None  # or it had been refused
        name = self._group(request.node, proved)
        group = self.edge.catalogues.served(name)
        if group is None:
            raise StreamRefused("UNAVAILABLE", _nothing_to_serve(name))
        response = poll.answer(group.catalogue)
        self._tell(PollInfo(address, only_type, "unchanged" if response is None else "sent", request.node.id, name))
        return group, response

    def refused(self, close: Close, only_type: TypeUrl, address: str) -> None:
        """Tell that a poll was not answered."""
        self._tell(PollInfo(address, only_type, close.status, reason=close.message))

    def failed(self, address: str, error: Exception) -> None:
        """Tell of a defect of ours."""
        self.edge.observer.stream_failed(address, error)

    def _tell(self, poll: PollInfo) -> None:
        self.edge.observer.polled(poll)

    def _group(self, node: Node, proved: AuthContext) -> GroupName:
        try:
            return self.edge.identify(node, proved)
        except Denied as denied:
            raise StreamRefused(denied.status, denied.message) from denied


def fetch_method(poller: Poller, only_type: TypeUrl) -> grpc.RpcMethodHandler[Any, Any]:
    """A unary gRPC method. There is no status for "no change", so it always answers all that was asked for."""

    async def fetch(data: bytes, context: Context) -> bytes:
        address = peer_address(context.peer())
        try:
            request = replace(poller.edge.decoder.state(data), version_info="")
            group, response = poller.answer(request, only_type, address, context.auth_context() or {})
            assert response is not None  # who has no version has none that is current
            return group.encoder.encode(Variant.STATE_OF_THE_WORLD, response).data
        except StreamRefused as refused:
            poller.refused(refused.close, only_type, address)
            await context.abort(STATUS_CODES[refused.close.status], refused.close.message)
        except Exception as error:  # noqa: BLE001  # a defect ends this call and no other; it is told to the observer
            poller.failed(address, error)
            await context.abort(STATUS_CODES[DEFECT.status], DEFECT.message)

    return grpc.unary_unary_rpc_method_handler(fetch)


def _nothing_to_serve(group: GroupName) -> str:
    return f"there is nothing to serve to group {group!r} yet; keep what you have, and ask again"
