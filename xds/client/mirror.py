"""One incremental ADS stream from the client's side: what to ask an upstream for, and what its answers change.

It holds what upstream says of what is wanted here, over the life of many streams; the edge writes its requests and
decides when an answer is settled. No I/O, no clock, no proto.  xDS: "Incremental xDS".

What it means that a name is wanted beside `*`: the resource is taken for a part of everything as well, whether or not
upstream has it on demand only. Local clients that want everything are told of it too, which is more than they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from xds.client.answers import Abandon, Answer, Asked, Outcome, Received, Refused
from xds.client.following import Following, News
from xds.client.lifetimes import Lifetimes
from xds.client.verdicts import Verdicts
from xds.client.verifying import fault, is_heartbeat
from xds.client.wants import Wants
from xds.protocol.knowledge import Learned
from xds.protocol.requests import DeltaRequest, ErrorDetail, Node
from xds.protocol.resource import Resource
from xds.protocol.types import BY_URL, TypeUrl

UNPROVED = "unproved"  # no version is ever called so: upstream tells the resource again, or that it is gone


class Mirror:
    """Call `seed` once, `connected` for every stream, `want` when the wish changed, `receive` for every response.

    Then `settle` for every answer received, in any order, and `disconnected` at the end of each stream. `floor`: the
    highest revision of which anything was ever taken: who has not all of that may tell what is new here, and change
    nothing. `complete`: all of this revision is held; 0: nothing yet. Only one mirror may read `wants`.
    """

    def __init__(self, wants: Wants, floor: int = 0) -> None:
        self.floor = floor
        self.complete = 0
        self.is_connected = False
        self._floor_then = floor
        self._wants = wants
        self._node: Node | None = None
        self._types: dict[TypeUrl, Following] = {}
        self._verdicts = Verdicts()
        self._lifetimes = Lifetimes()

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(one.held)} {url.rpartition('.')[2]}" for url, one in self._types.items() if one.held)
        state = "connected" if self.is_connected else "not connected"
        return f"<Mirror {state}, up to revision {self.floor}: {counts or 'nothing held'}>"

    @property
    def answered(self) -> bool:
        """Whether upstream has answered all that was wanted when it was reached, as far as it answers that.

        It says nothing of names that are held as it has them.
        """
        return self.is_connected and not any(following.open for following in self._types.values())

    def held(self, type_url: TypeUrl) -> Mapping[str, Resource]:
        """What is held of a type, by name. A view: it moves."""
        found = self._types.get(type_url)
        return found.held if found else {}

    def everything_held(self) -> Iterable[Resource]:
        """All of it, of every type."""
        return (resource for following in self._types.values() for resource in following.held.values())

    def known(self) -> tuple[Learned, ...]:
        """All that upstream has answered, for a catalogue that has not been told as it was said."""
        return tuple(
            Learned(one.type_url, frozenset(one.answered), everything=one.everything or None)
            for one in self._types.values()
        )

    def doubt(self, names: Iterable[tuple[TypeUrl, str]], error: ErrorDetail) -> None:
        """The client of this mirror does not live with these as they are held, though it had taken them: on the next
        stream upstream tells them again, and hears it."""
        for type_url, name in names:
            held = self.held(type_url).get(name)
            if held is not None:
                self._verdicts.doubt(type_url, name, held.version, error)

    def seed(self, resources: Iterable[Resource]) -> None:
        """What is held from an earlier life: upstream is told of it, and says what differs.

        But for what lives for a time only: nobody knows how much of that is left, and upstream tells it again.
        """
        for resource in resources:
            if not resource.ttl_ms:
                self._following(resource.type_url).held[resource.name] = resource

    def yield_to(self, type_url: TypeUrl, brought: Mapping[str, str]) -> None:
        """The client of this mirror comes with these versions: what is held from an earlier life in others may be what
        came before, and upstream is to tell it. Nothing on a stream where the type was asked for already."""
        following = self._following(type_url)
        if following.is_opened:
            return
        for name, version in brought.items():
            if name in following.held and following.held[name].version != version:
                del following.held[name]
                following.elsewhere.add(name)

    def connected(self, node: Node) -> Asked:
        """A stream is open: the first request of each type that is wanted. The first of all names the node."""
        asked = self.want()
        self.is_connected, self._node = True, node
        self._floor_then = self.floor
        for following in self._types.values():
            following.connect()
        requests = [self._open(following) for following in self._in_order() if following.followed]
        return replace(asked, requests=tuple(requests))

    def want(self) -> Asked:
        """The difference since the wish was last looked at. O(what changed), but where `*` or an alias goes."""
        requests: list[DeltaRequest] = []
        found: list[News] = []
        for type_url, names in self._wants.take_changed().items():
            following, wanted = self._following(type_url), self._wants.names(type_url)
            added = {name for name in names if name in wanted} - following.followed
            dropped = {name for name in names if name not in wanted} & following.followed
            if not (added or dropped):
                continue
            found.append(following.change(added, dropped))
            if self.is_connected:
                requests.append(self._ask(following, added, dropped))
        is_ambiguous = self.is_connected and any(one.is_ambiguous for one in self._types.values())
        return replace(self._asked(requests, found), ends_stream=is_ambiguous)

    def forget_unwanted(self) -> Asked:
        """What is held and not wanted is held no more: what a state from disk has, and nobody asked for in time."""
        found = [News(following.drop(following.unwanted())) for following in self._types.values()]
        return self._asked([], found)

    @property
    def expires_at_s(self) -> float | None:
        """When `expire` is to be called next."""
        return self._lifetimes.next_s

    def expire(self, now_s: float) -> Asked:
        """What lives for a time only, and was not renewed in that, is held no more and known to be gone.

        `now_s`: on the clock of `receive`.
        """
        over = self._lifetimes.take_over(now_s)
        return self._asked([], [self._following(type_url).run_out(names) for type_url, names in over.items()])

    def receive(self, answer: Answer, now_s: float) -> Outcome:
        """Take a response, or refuse it, or give up on the upstream. `now_s`: on a clock that never goes back."""
        following = self._following(answer.type_url)
        error = fault(answer, following.held, self._is_refused)
        if error is not None:
            following.is_damaged = True
            return Refused(answer.type_url, _verdict(answer.type_url, answer.nonce, error), error)
        # At one revision endpoints may still differ, and whose upstream is away may have the older ones.
        news = following.compare(answer, only_adds=answer.is_old and answer.vouched <= self.floor)
        if news.is_risky and self._is_behind(answer):
            return Abandon(
                f"upstream tells revision {answer.vouched} of what was taken in revision {self.floor} before; "
                "it is behind, and another server may not be"
            )
        self.floor = max(self.floor, answer.revision or 0, 1)
        following.take(answer, news)
        if not self.complete or (self.answered and not answer.has_more):
            self.complete = max(self.complete, answer.vouched, 1)
        return self._received(answer, news, self._renew(answer, news, now_s))

    def settle(self, nonce: str, error: ErrorDetail | None) -> DeltaRequest | None:
        """The verdict of an answer: the ACK or NACK to send. None for an answer of a stream that is gone."""
        type_url = self._verdicts.settle(nonce, error)
        return _verdict(type_url, nonce, error) if type_url is not None else None

    def disconnected(self) -> None:
        """The stream is gone. What is held stays; answers without a verdict will be told again."""
        self.is_connected = False
        self._verdicts.lose()
        for following in self._types.values():
            following.is_opened = False

    def _is_behind(self, answer: Answer) -> bool:
        """On one stream upstream goes forward only; when that began it may have had a part of what was taken before."""
        if answer.revision is None:
            return False
        return answer.revision < self.floor or answer.vouched < self._floor_then

    def _is_refused(self, resource: Resource) -> bool:
        return self._verdicts.is_doubted(resource.type_url, resource.name, resource.version)

    def _renew(self, answer: Answer, news: News, now_s: float) -> tuple[str, ...]:
        """Times to live begin anew with each telling. Returns the names of what goes on as it was."""
        held = self.held(answer.type_url)
        told = [resource for resource in answer.resources if resource.name in held]
        for resource in told:
            self._lifetimes.told(resource, now_s)
        changed = {after.name for _, after in news.changes if after is not None}
        return tuple(resource.name for resource in told if resource.ttl_ms and resource.name not in changed)

    def _received(self, answer: Answer, news: News, renewed: tuple[str, ...]) -> Received:
        # Of a heartbeat there is nothing to accept.
        bodied = (resource for resource in answer.resources if not is_heartbeat(resource))
        brought = tuple((resource.name, resource.version) for resource in bodied)
        refused = self._verdicts.wait(answer.nonce, answer.type_url, brought)
        asked = self._asked([], [news])
        return Received(
            answer.type_url,
            answer.nonce,
            self.floor,
            asked.changes,
            asked.learned,
            brought,
            answer.removed,
            refused,
            renewed,
        )

    def _asked(self, requests: Iterable[DeltaRequest], found: Iterable[News]) -> Asked:
        changes = tuple(change for news in found for change in news.changes)
        for before, after in changes:
            if before is not None and after is None:
                self._verdicts.forget(before.type_url, before.name)
                self._lifetimes.forget(before.type_url, before.name)
        return Asked(tuple(requests), changes, tuple(news.learned for news in found if news.learned is not None))

    def _ask(self, following: Following, added: set[str], dropped: set[str]) -> DeltaRequest:
        if not following.is_opened:
            return self._open(following)
        return DeltaRequest(following.type_url, tuple(sorted(added)), tuple(sorted(dropped)), node=self._introduce())

    def _open(self, following: Following) -> DeltaRequest:
        following.is_opened = True
        url = following.type_url
        versions = {one.name: one.version for one in following.brought}
        unheard = following.unheard
        for name, version in versions.items():
            if name in unheard or self._verdicts.is_doubted(url, name, version):
                versions[name] = UNPROVED
        versions |= dict.fromkeys(following.unresolved, "")
        return DeltaRequest(
            url, tuple(sorted(following.followed)), initial_resource_versions=versions, node=self._introduce()
        )

    def _introduce(self) -> Node | None:
        node, self._node = self._node, None
        return node

    def _following(self, type_url: TypeUrl) -> Following:
        found = self._types.get(type_url)
        if found is None:
            found = self._types[type_url] = Following(type_url)
        return found

    def _in_order(self) -> Iterable[Following]:
        """As Envoy opens types: what others refer to first."""
        last = len(BY_URL)
        return sorted(
            self._types.values(),
            key=lambda one: (BY_URL[one.type_url].order if one.type_url in BY_URL else last, one.type_url),
        )


def _verdict(type_url: TypeUrl, nonce: str, error: ErrorDetail | None) -> DeltaRequest:
    return DeltaRequest(type_url, response_nonce=nonce, error_detail=error)
