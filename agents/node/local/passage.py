"""Between upstream and the local clients: content goes down, wishes and verdicts go up.

It drives the cores (`Mirror`, `Content`, `Hearing`) and decides little itself. All calls come on the event loop and
return at once; there is no timer on the way of a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from agents.node.generations.generation import Contents
from agents.node.generations.pin import Pin, Versions
from agents.node.local.beside import Beside, Nobody
from agents.node.local.clients import Clients
from agents.node.local.content import Content, Source
from agents.node.local.docket import Verdict
from agents.node.local.hearing import Hearing
from agents.node.local.identity import Identity
from agents.node.local.judging import TAKEN, Brought, Judgement, judge, together
from agents.node.local.timers import Timers
from agents.node.upstream.follower import Stream
from api.telemetry import logs
from xds.client.answers import Abandon, Answer, Asked, Received, Refused
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.plan import Observation, Rejected, Subscribed
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node
from xds.protocol.types import BY_URL, TypeUrl
from xds.transport.catalogues import Catalogues
from xds.transport.observer import SilentObserver, StreamInfo

GATHERING_S = 0.25
"""An Envoy that runs says what it has type by type, and upstream says what differs name by name: both in less."""

MOMENT_S = 0.05
"""One that has no clusters looks new until it has said which listeners it has, in the same breath."""

LATER_S = 30.0
ANEW_S = 1.0
_PIN = "what is suspected"
"""Who wants what the pin goes by."""
FAILED_PRECONDITION = 9  # google.rpc.Code


class Passage(SilentObserver):
    """The follower of the link, and the observer of the local server.

    `has_envoy`: verdicts are those of the own Envoy; without one, what was verified is accepted. So it is on a relay:
    one Envoy's word must not decide what the agents below are told, so it is reported apart. `on_news` is called
    when what is served, or what Envoy makes of it, may be another; `on_refused` with Envoy's words.
    """

    def __init__(
        self, identity: Identity, mirror: Mirror, wants: Wants, catalogue: Catalogue, *, has_envoy: bool = True
    ) -> None:
        self.identity = identity
        self.mirror = mirror
        self.catalogue = catalogue
        self.content = Content(catalogue, mirror)
        self.beside: Beside = Nobody()
        self.upstream = ""
        self.on_news: Callable[[], None] = lambda: None
        self.on_refused: Callable[[str], None] = lambda words: None
        self._wants = wants
        self._has_envoy = has_envoy
        self._hearing = Hearing(self._judge, self._tell, self._reopen)
        self._unheard: list[Brought] = []
        self._anew_at = 0
        self._stream: Stream | None = None
        self._told_node: Node | None = None
        self._wanted = asyncio.Event()
        self._is_away = False
        self._timers = Timers()
        self._log = logs.logger("local")

    def serve_on(self, groups: Catalogues, clients: Clients) -> None:
        """The local server's; it is made with this observer, so they come after it."""
        self._groups = groups
        self.clients = clients
        groups.adopt(self.catalogue)

    def seed(self, kept: Contents, patience_s: float, pin: Pin | None = None) -> None:
        """What is on the disk, to be served when upstream says nothing for so long, or nothing that ends the pin."""
        self.content.seed(kept, pin)
        self.beside.seed(kept)
        self._ask_of_suspects()
        self._timers.put("patience", self._timers.now_s + patience_s, self.away)

    def fall_back(self, kept: Contents, bad: Versions, why: str) -> bool:
        """Serve this again: Envoy does not live with what upstream says. Upstream hears of it. `bad`: what Envoy was
        served. Returns whether anything comes of it."""
        with self._moving():
            is_held = self.content.fall_back(kept, bad, why)
        if is_held:
            self._ask_of_suspects()
            self._begin_anew("Envoy does not live with what upstream says")
        return is_held

    def end_pin(self, because: str) -> None:
        """Serve what upstream says after all."""
        if self.content.pin is None:
            return
        with self._moving():
            self.content.end_pin()
        self._pin_is_over(because)
        self.on_news()

    def _ask_of_suspects(self) -> None:
        """Have upstream say of each what it has, once more and from now on: Envoy does not ask for all of them now."""
        pin = self.content.pin
        if pin is None:
            return
        names: dict[TypeUrl, set[str]] = {}
        for type_url, name in pin.suspects:
            if type_url in BY_URL and not BY_URL[type_url].aliased:  # of those it has other names
                names.setdefault(type_url, set()).add(name)
        for type_url, suspects in names.items():
            self._wants.put(_PIN, type_url, False, suspects)
        self.mirror.doubt(pin.suspects, ErrorDetail(FAILED_PRECONDITION, pin.words))

    def _pin_is_over(self, because: str) -> None:
        self._wants.leave(_PIN)
        self._log.info("what was held back is served", because=because)
        self._begin_anew(because)
        self._timers.put("show", self._timers.now_s + GATHERING_S, self._show)

    def _begin_anew(self, because: str) -> None:
        """Verdicts are other ones from now on; what a relay has verified it has taken, whatever its Envoy says."""
        if self._relays:
            self.want()
        else:
            self._reopen(because)

    def introduce_again(self, because: str) -> None:
        """Open another stream if upstream was told something else of who is here."""
        if self._introduction() != self._told_node:
            self._reopen(because)

    def _introduction(self) -> Node:
        return self.identity.node(self.clients.own_node, self.beside.relays)

    @property
    def _relays(self) -> bool:
        return bool(self.beside.relays)

    @property
    def is_acknowledged(self) -> bool:
        """Whether Envoy has taken all that is served, as far as it wants it."""
        if self.content.source is Source.NOTHING or not self.catalogue.revision or self._hearing:
            return False
        return not self._has_envoy or self.clients.own_has_all(self.catalogue)

    # The follower of the link

    async def wish(self) -> None:
        self.beside.reached()
        await self._wanted.wait()

    def connected(self, stream: Stream, upstream: str) -> None:
        self._stream, self.upstream = stream, upstream
        self._told_node = self._introduction()
        self._carry_out(self.mirror.connected(self._told_node))
        self.beside.connected()
        if self.content.source is Source.FALLBACK:
            self._timers.put("show", self._timers.now_s + GATHERING_S, self._show)
        self._log.info("upstream connected", upstream=upstream, revision=self.mirror.floor)

    def receive(self, answer: Answer) -> str:
        if answer.is_old:
            self.beside.upstream_is_old()
        outcome = self.mirror.receive(answer, self._timers.now_s)
        if isinstance(outcome, Abandon):
            return outcome.because
        if isinstance(outcome, Refused):
            self._send([outcome.request])
            return outcome.error.message
        self._take(outcome, answer)
        return ""

    def disconnected(self) -> None:
        self._stream, self.upstream = None, ""
        self._hearing.clear()
        self._unheard.clear()
        self.mirror.disconnected()
        self.beside.disconnected()
        self.on_news()

    def upstream_is_well(self, is_well: bool) -> None:
        self.beside.upstream_is_well(is_well)

    def away(self) -> None:
        self._is_away = True
        self._show_disk()
        self.beside.away()

    # The observer of the local server

    def stream_opened(self, stream: StreamInfo) -> None:
        self.clients.opened(stream, self._timers.now_s)
        if self.clients.is_own(stream):
            self.introduce_again("the own Envoy says something else of itself than upstream was told")

    def observed(self, stream: StreamInfo, observation: Observation) -> None:
        if isinstance(observation, Subscribed) or stream.variant != "delta":
            self.clients.asked(stream, observation.type_url)
            if self.content.source is Source.NOTHING and self.clients.is_own(stream):
                self.mirror.yield_to(observation.type_url, self.clients.brought(observation.type_url))
            self.want()
            if self.content.source is Source.NOTHING and self._is_away:
                gathering_s = MOMENT_S if self.clients.own_is_new else GATHERING_S
                self._timers.put("disk", self._timers.now_s + gathering_s, self._show_disk)
        if self.clients.is_own(stream):
            if isinstance(observation, Rejected):
                self._hearing.refused(observation)
                self.on_refused(observation.message)
            self._hearing.look()
            self.on_news()

    def stream_closed(self, stream: StreamInfo, close: object) -> None:
        self.clients.closed(stream, self._timers.now_s)
        self.want_less_later()

    def stream_failed(self, address: str, error: Exception) -> None:
        self._log.error("a local stream failed", reason=str(error), exc_info=error)

    # Content

    def _take(self, received: Received, answer: Answer) -> None:
        self._is_away, was_pinned = False, self.content.pin is not None
        with self._moving():
            self.content.take(received, is_hearsay=answer.is_old)
            if self.content.is_due:
                self._show_soon(received.revision)
        self.beside.take(received)
        self._watch_time()
        self._hear(received, is_last=not answer.has_more)
        if was_pinned and self.content.pin is None:
            self._pin_is_over("upstream has a suspect otherwise than it was")
        self.on_news()

    def _watch_time(self) -> None:
        self._timers.put("time to live", self.mirror.expires_at_s, self._run_out)

    def _run_out(self) -> None:
        """Upstream has not renewed what lives for a time only."""
        self._carry_out(self.mirror.expire(self._timers.now_s))
        self._watch_time()
        self.on_news()

    def _show_soon(self, revision: int) -> None:
        """An Envoy that starts is served with the first word of upstream. One that runs has what it has, and is told
        nothing before upstream has said what differs."""
        is_first = self.content.source is Source.NOTHING
        if is_first and (not self._has_envoy or self.clients.own_is_new):
            self.content.show(revision)
        else:
            self._timers.put("show", self._timers.now_s + GATHERING_S, self._show)

    def _show(self) -> None:
        if not self.content.is_due:
            return
        if self.mirror.answered:
            with self._moving():
                self.content.show(self.mirror.floor)
            for brought in self._unheard:
                self._hearing.hear(brought)
            self._unheard.clear()
            self.on_news()
        elif self.mirror.is_connected:
            self._timers.put("show", self._timers.now_s + GATHERING_S, self._show)

    def _show_disk(self) -> None:
        """Upstream is away. An Envoy that runs with something else than the disk has is told nothing."""
        if self.content.source is not Source.NOTHING or not self._is_away or not self._wants.types:
            return
        if not self._has_envoy or self._goes_with_disk():
            with self._moving():
                self.content.show_disk()
            self._log.warning("no upstream answers: serving what is on the disk", revision=self.catalogue.revision)
            self.on_news()

    def _goes_with_disk(self) -> bool:
        """Whether the own Envoy starts, or runs with just that: it may not have said all that it has yet."""
        clients = self.clients
        if not clients.own or not (clients.own_is_new or self.content.is_spanned_by(clients.own_types)):
            return False
        return all(self.content.agrees_with(type_url, brought) for type_url, brought in clients.own_brought())

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Wake the local streams if the catalogue moves in the block, or something in it is renewed."""
        before = self.catalogue.position, self.catalogue.renewals
        yield
        if (self.catalogue.position, self.catalogue.renewals) != before:
            self._groups.moved(self.identity.group)

    # Verdicts

    def _hear(self, received: Received, *, is_last: bool) -> None:
        """Have Envoy's verdict of an answer, now or when it comes. `is_last`: no more of its revision is to come."""
        if self.content.pin is not None and not self._relays and self._is_held_back(received, is_last=is_last):
            self._tell([Verdict(received.nonce, ErrorDetail(FAILED_PRECONDITION, self.content.pin.words))])
            return
        brought = Brought(received.type_url, received.nonce, received.brought, received.gone)
        if self.content.is_due and self.content.source is Source.FALLBACK:
            self._unheard.append(brought)
        else:
            self._hearing.hear(brought)

    def _is_held_back(self, received: Received, *, is_last: bool) -> bool:
        """Whether upstream is to hear so of this. Of what is no suspect it hears with the end of the revision only, for
        what follows may end the pin; and then on another stream, where nothing waits for what was refused."""
        if self.content.suspects(received):
            return True
        if not is_last or not self.content.withholds(received):
            return False
        if received.revision > self._anew_at:
            self._anew_at = received.revision
            self._timers.put("anew", self._timers.now_s + ANEW_S, self._ask_anew)
        return True

    def _ask_anew(self) -> None:
        if self.content.pin is not None:
            self._reopen("what upstream says is held back for now")

    def _judge(self, brought: Brought) -> Judgement | None:
        if not self._has_envoy or self._relays:
            return TAKEN
        subscriptions = self.clients.subscriptions(brought.type_url)
        if not self.clients.own or (not subscriptions and self.clients.is_settling(self._timers.now_s)):
            return None
        served = self.catalogue.served(brought.type_url)
        return together([judge(brought, subscription, served) for subscription in subscriptions])

    def _tell(self, verdicts: Sequence[Verdict]) -> None:
        settled = (self.mirror.settle(verdict.nonce, verdict.error) for verdict in verdicts)
        self._send([request for request in settled if request is not None])

    # Wishes

    def want(self) -> None:
        """Somebody wants something else."""
        self._carry_out(self.mirror.want())
        if self._wants.types:
            self._wanted.set()

    def want_less_later(self) -> None:
        """Somebody has gone, and what only he wanted counts for a while yet."""
        self._timers.put("wants", self._wants.expires_at_s, self._expire)

    def _expire(self) -> None:
        """Nobody is left who wants these names. While upstream is away they are kept: nobody could tell them again."""
        if not self.mirror.is_connected:
            self._timers.put("wants", self._timers.now_s + LATER_S, self._expire)
            return
        self._wants.expire(self._timers.now_s)
        self.want()
        self.want_less_later()

    def _carry_out(self, asked: Asked) -> None:
        with self._moving():
            self.content.carry_out(asked)
        self.beside.carry_out(asked)
        self._send(asked.requests)
        if asked.ends_stream and self._stream is not None:
            self._stream.reopen("everything of a type is asked for again, and what is on its way may be older")

    def _reopen(self, because: str) -> None:
        if self._stream is not None:
            self._stream.reopen(because)

    def _send(self, requests: Sequence[DeltaRequest]) -> None:
        if self._stream is not None:
            self._stream.send(requests)
