"""Between upstream and the local clients: content goes down, wishes and verdicts go up.

It drives the cores (`Mirror`, `Catalogue`, `Docket`) and decides little itself. All calls come on the event loop and
return at once; there is no timer on the way of a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from agents.node.local.clients import Clients
from agents.node.local.docket import Docket, Verdict
from agents.node.local.identity import Identity
from agents.node.local.judging import TAKEN, Brought, Judgement, judge
from agents.node.upstream.follower import Stream
from api.telemetry import logs
from xds.client.answers import Abandon, Answer, Asked, Received, Refused
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Observation, Rejected, Subscribed
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node
from xds.transport.catalogues import Catalogues
from xds.transport.observer import SilentObserver, StreamInfo

SECOND_LOOK_S = 0.25
"""What is kept back from Envoy is told by nobody, so it is looked for again after this."""


LATER_S = 30.0


class Passage(SilentObserver):
    """The follower of the link, and the observer of the local server.

    `has_envoy`: verdicts are those of the own Envoy; without one, what was verified is accepted.
    """

    def __init__(
        self, identity: Identity, mirror: Mirror, wants: Wants, catalogue: Catalogue, *, has_envoy: bool = True
    ) -> None:
        self.identity = identity
        self.mirror = mirror
        self.catalogue = catalogue
        self.upstream = ""
        self._wants = wants
        self._has_envoy = has_envoy
        self._docket = Docket(self._judge)
        self._stream: Stream | None = None
        self._told_node: Node | None = None
        self._wanted = asyncio.Event()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._log = logs.logger("local")

    def serve_on(self, groups: Catalogues, clients: Clients) -> None:
        """The local server's; it is made with this observer, so they come after it."""
        self._groups = groups
        self.clients = clients
        groups.adopt(self.catalogue)

    def facts(self) -> dict[str, Any]:
        """For people, as JSON."""
        return {
            "revision": self.catalogue.revision,
            "upstream": {"connected": self.mirror.is_connected, "address": self.upstream, "floor": self.mirror.floor},
            "local_streams": len(self.clients.own) + len(self.clients.others),
        }

    # The follower of the link

    async def wish(self) -> None:
        await self._wanted.wait()

    def connected(self, stream: Stream, upstream: str) -> None:
        self._stream, self.upstream = stream, upstream
        self._told_node = self.identity.node(self.clients.own_node)
        self._carry_out(self.mirror.connected(self._told_node))
        self._log.info("upstream connected", upstream=upstream, revision=self.mirror.floor)

    def receive(self, answer: Answer) -> str:
        outcome = self.mirror.receive(answer)
        if isinstance(outcome, Abandon):
            return outcome.because
        if isinstance(outcome, Refused):
            self._send([outcome.request])
            return outcome.error.message
        self._take(outcome)
        return ""

    def disconnected(self) -> None:
        self._stream, self.upstream = None, ""
        self._docket.clear()
        self.mirror.disconnected()

    def away(self) -> None: ...

    # The observer of the local server

    def stream_opened(self, stream: StreamInfo) -> None:
        self.clients.opened(stream, self._now_s())
        own = self.clients.own_node
        if self._stream is not None and own is not None and self.identity.node(own) != self._told_node:
            self._stream.reopen("the own Envoy says something else of itself than upstream was told")

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        if isinstance(observation, Subscribed) or stream.variant != "delta":
            self.clients.asked(stream, observation.type_url)
            self._want()
        if self.clients.is_own(stream):
            if isinstance(observation, Rejected):
                error = ErrorDetail(observation.code, observation.message)
                names = frozenset(observation.names)
                self._tell(self._docket.rejected(observation.type_url, names, error))
            self._look()

    def stream_closed(self, stream: StreamInfo, close: object) -> None:
        self.clients.closed(stream, self._now_s())
        self._set_timer("wants", self._wants.expires_at_s, self._expire)

    def stream_failed(self, address: str, error: Exception) -> None:
        self._log.error("a local stream failed", reason=str(error), exc_info=error)

    # What both lead to

    def _take(self, received: Received) -> None:
        if self.catalogue.change(received.revision, received.changes, received.learned):
            self._groups.moved(self.identity.group)
        brought = Brought(received.type_url, received.nonce, received.brought, received.gone)
        self._docket.add(brought, self._now_s())
        self._look()
        if self._docket:
            self._set_timer("second look", self._now_s() + SECOND_LOOK_S, self._look)
            self._set_timer("overdue", self._docket.due_s, self._overdue)

    def _look(self) -> None:
        """Tell upstream what Envoy has made of its answers by now."""
        if self._docket:
            self._tell(self._docket.settled())
        if self._docket.has_overdue and self._docket.taken_late() and self._stream is not None:
            self._stream.reopen("Envoy has taken after all what it had not answered in time")

    def _overdue(self) -> None:
        self._tell(self._docket.overdue(self._now_s()))
        self._set_timer("overdue", self._docket.due_s, self._overdue)

    def _judge(self, brought: Brought) -> Judgement | None:
        if not self._has_envoy:
            return TAKEN
        if not self.clients.own:
            return None
        return judge(brought, self.clients.subscription(brought.type_url), self.catalogue.served(brought.type_url))

    def _tell(self, verdicts: Sequence[Verdict]) -> None:
        settled = (self.mirror.settle(verdict.nonce, verdict.error) for verdict in verdicts)
        self._send([request for request in settled if request is not None])

    def _want(self) -> None:
        self._carry_out(self.mirror.want())
        if self._wants.types:
            self._wanted.set()

    def _expire(self) -> None:
        """Nobody is left who wants these names. While upstream is away they are kept: nobody could tell them again."""
        if not self.mirror.is_connected:
            self._set_timer("wants", self._now_s() + LATER_S, self._expire)
            return
        self._wants.expire(self._now_s())
        self._want()
        self._set_timer("wants", self._wants.expires_at_s, self._expire)

    def _carry_out(self, asked: Asked) -> None:
        if self.catalogue.change(self.catalogue.revision, asked.changes, asked.learned):
            self._groups.moved(self.identity.group)
        self._send(asked.requests)

    def _send(self, requests: Sequence[DeltaRequest]) -> None:
        if self._stream is not None:
            self._stream.send(requests)

    def _set_timer(self, name: str, at_s: float | None, action: Callable[[], None]) -> None:
        """One of each name; None and infinity: never."""
        before = self._timers.pop(name, None)
        if before is not None:
            before.cancel()
        if at_s is not None and isfinite(at_s):
            self._timers[name] = asyncio.get_running_loop().call_at(at_s, action)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
