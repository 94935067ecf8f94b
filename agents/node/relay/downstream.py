"""Between the one upstream and the agents below a relay: content goes down, wishes go up.

What they are served is what upstream says, and nothing that this agent does for its own Envoy: neither the verdicts of
that nor a fall back to what it can live with. While upstream is away they are served what is here, and told so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from agents.node.generations.generation import Contents
from agents.node.lineage import relays_of
from agents.node.local.content import Content, Source
from agents.node.local.timers import Timers
from api.telemetry import logs
from xds.client.answers import Asked, Received
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.admission import NAMES_LIMIT
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Acked, Close, Observation, Rejected, Response, Settled, Subscribed
from xds.protocol.types import GroupName
from xds.transport.observer import SilentObserver, StreamInfo
from xds.transport.server import XdsServer

KEPT_S = 300.0
"""What an agent wanted counts on for so long after it has gone: it may come back."""

SETTLE_S = 0.25
"""Upstream says what differs type by type; in less than that."""

NEWS_S = 0.25
"""Agents come further together: what is told of all of them at once costs less, and is in the way of none."""

CUT_OFF_S = 5.0
"""Without an upstream for so long, a relay says by its health that agents are better off elsewhere."""

NAMES = NAMES_LIMIT * 9 // 10
"""That all agents together may ask for: a server takes so many of one stream, which the relay's is to it."""

TOO_MUCH = Close("RESOURCE_EXHAUSTED", f"the agents of this relay ask for more than {NAMES} names; ask a server")
AGAIN = Close("UNAVAILABLE", "this relay has its upstream again; connect again, and hear what is new since")


class Downstream(SilentObserver):
    """The observer of the relay's listener.

    `on_wish` is called when something else is wanted of upstream, `on_gone` when an agent has gone, `on_relays` when
    another relay came below, `on_ready` when `is_ready` is another, `on_news` when agents are not where they were.
    """

    def __init__(self, own: str, group: GroupName, mirror: Mirror, wants: Wants) -> None:
        self.catalogue = Catalogue(group, partial=True)
        self.catalogue.is_old = True
        self.is_ready = False
        self.on_wish: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None
        self.on_news: Callable[[], None] = lambda: None
        self.on_relays: Callable[[], None] = lambda: None
        self.on_ready: Callable[[], None] = lambda: None
        self.own = own
        self._mirror = mirror
        self._wants = wants
        self._content = Content(self.catalogue, mirror)
        self._open: dict[int, StreamInfo] = {}
        self._below: dict[int, frozenset[str]] = {}
        self._told_old: set[int] = set()
        self._upstream_is_well = True
        self._is_settling = False
        self._has_news = False
        self._timers = Timers()
        self._log = logs.logger("relay")

    def serve_on(self, server: XdsServer) -> None:
        """The relay's server; it is made with this observer, so it comes after it."""
        self._server = server
        server.groups.adopt(self.catalogue)

    @property
    def relays(self) -> Collection[str]:
        """This one, and those below it as far as they are known."""
        return {self.own}.union(*self._below.values())

    def facts(self) -> dict[str, Any]:
        """For people, as JSON."""
        return {
            "address": self._server.address,
            "agents": len({info.node.id for info in self._open.values()}),
            "relays": sorted(set(self.relays) - {self.own}),
            "revision": self.catalogue.revision,
            "source": self._content.source.value,
            "has_upstream": not self.catalogue.is_old,
        }

    # What upstream says, beside what the passage makes of it

    def seed(self, kept: Contents) -> None:
        self.catalogue.complete = kept.revision
        self._content.seed(kept)

    def reached(self) -> None:
        if not self._wants.types:  # else it will be seen what upstream says
            self._become(is_ready=True)

    def connected(self) -> None:
        self._upstream_is_well = True
        self._settle_soon()

    def disconnected(self) -> None:
        self.upstream_is_old()
        if self.is_ready:
            self._timers.put("cut off", self._timers.now_s + CUT_OFF_S, self._cut_off)

    def upstream_is_well(self, is_well: bool) -> None:
        """One that is not, such as a relay without its own upstream, is for agents to pass by as well."""
        self._upstream_is_well = is_well
        if not (is_well and self.catalogue.is_old):
            self._become(is_ready=is_well)

    def upstream_is_old(self) -> None:
        """It will end the stream once that is over."""
        self.catalogue.is_old, self._is_settling = True, False
        self._timers.put("settled", None, self._settled)

    def away(self) -> None:
        """Nobody answers: what is on the disk is better than nothing, to those who have nothing."""
        if self._content.source is Source.NOTHING:
            with self._moving():
                self._content.show_disk()
            self._log.warning("no upstream answers: relaying what is on the disk", revision=self.catalogue.revision)

    def take(self, received: Received) -> None:
        if self._is_settling and self._content.source is Source.UPSTREAM and not self.catalogue.revision:
            self._be_fresh()  # there is nothing here but what upstream says now
        # Who vouches for nothing yet (0) would pass for one that has all of what it tells.
        if not (self.catalogue.is_old and self.catalogue.complete):
            self.catalogue.complete = self._mirror.complete
        with self._moving():
            self._content.take(received)

    def carry_out(self, asked: Asked) -> None:
        with self._moving():
            self._content.carry_out(asked)

    # The observer of the relay's listener

    def stream_opened(self, stream: StreamInfo) -> None:
        self._open[stream.id] = stream
        relays = relays_of(stream.node)
        if not relays:
            return
        is_news = not relays.issubset(self.relays)
        self._below[stream.id] = relays
        if is_news:
            self.on_relays()

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        if isinstance(observation, Acked | Settled | Rejected):
            self._tell_soon()
        if not isinstance(observation, Subscribed) and stream.variant == "delta":
            return
        session = self._server.session(stream.id)
        subscription = session.subscription(observation.type_url) if session is not None else None
        if subscription is None:
            return
        interest = subscription.interest
        self._wants.put(_member(stream), observation.type_url, interest.wildcard, interest.names)
        if sum(len(self._wants.names(url)) for url in self._wants.types) > NAMES:
            self._wants.leave(_member(stream))
            self._server.end(stream.id, TOO_MUCH)
        self.on_wish()

    def written(self, stream: StreamInfo, response: Response, size_bytes: int, encoded: bool) -> None:
        if self.catalogue.is_old:
            self._told_old.add(stream.id)

    def stream_closed(self, stream: StreamInfo, close: Close | None) -> None:
        self._open.pop(stream.id, None)
        self._below.pop(stream.id, None)
        self._told_old.discard(stream.id)
        self._wants.leave(_member(stream), self._timers.now_s + KEPT_S)
        self.on_gone()
        self._tell_soon()

    def nodes_reported(self, groups: Iterable[GroupName]) -> None:
        self._tell_soon()

    def stream_refused(self, address: str, close: Close) -> None:
        self._log.info("an agent was refused", address=address, status=close.status, reason=close.message)

    def stream_failed(self, address: str, error: Exception) -> None:
        self._log.error("a stream of an agent failed", address=address, reason=str(error), exc_info=error)

    def _tell_soon(self) -> None:
        if not self._has_news:
            self._has_news = True
            self._timers.put("news", self._timers.now_s + NEWS_S, self._tell)

    def _tell(self) -> None:
        self._has_news = False
        self.on_news()

    # Whether others may know better

    def _settle_soon(self) -> None:
        self._is_settling = True
        self._timers.put("settled", self._timers.now_s + SETTLE_S, self._settled)

    def _settled(self) -> None:
        """Upstream has said what differs from what is here, if it has: from now on this is as good as anybody's."""
        if not self._mirror.answered:
            if self._mirror.is_connected:
                self._settle_soon()
            return
        if self._content.source is not Source.UPSTREAM:
            self._content.show(self._mirror.floor)
        self._be_fresh()
        self._wake()

    def _be_fresh(self) -> None:
        self.catalogue.is_old = self._is_settling = False
        self.catalogue.complete = self._mirror.complete
        self._timers.put("settled", None, self._settled)
        self._timers.put("cut off", None, self._cut_off)
        self._become(is_ready=self._upstream_is_well)
        self._send_back()

    def _send_back(self) -> None:
        """Those who were told something meanwhile may not have taken it, so what they have is not known here."""
        told, self._told_old = self._told_old, set()
        for stream in told:
            self._server.end(stream, AGAIN)

    def _cut_off(self) -> None:
        self._log.warning("no upstream: agents that can reach another are sent there")
        self._become(is_ready=False)

    def _become(self, *, is_ready: bool) -> None:
        if is_ready != self.is_ready:
            self.is_ready = is_ready
            self.on_ready()

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Wake the streams if the catalogue moves in the block; those of an upstream that is just back in a moment."""
        before = self.catalogue.position, self.catalogue.renewals
        yield
        if (self.catalogue.position, self.catalogue.renewals) != before and not self._is_settling:
            self._wake()

    def _wake(self) -> None:
        self._server.fleet.published(self.catalogue.group, self.catalogue.revision)
        self._server.groups.moved(self.catalogue.group)


def _member(stream: StreamInfo) -> tuple[str, int]:
    """Whose wishes they are: numbers of streams are those of one listener."""
    return ("below", stream.id)
