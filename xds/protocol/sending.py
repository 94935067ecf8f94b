"""Gives responses their nonces, remembers each until it is answered, and tells of it. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from xds.protocol.catalogue import Catalogue
from xds.protocol.content import Content
from xds.protocol.plan import Observation, Renewed, Response, Sent
from xds.protocol.resource import Resource
from xds.protocol.responses import Responses
from xds.protocol.served import ServedType
from xds.protocol.subscription import Push, Subscription
from xds.protocol.types import CLUSTER, Nonce, TypeUrl
from xds.protocol.warming import Warming

WHOLE = "*"  # after the version: everything that was asked for by `*` is told
PART = "~"  # after that, with a revision: all of that one is here, and of the one that is told a part
OLD = "?"  # after that: upstream is away, and others may know better
MORE = "+"  # after that: more of the revision is to come
NEW = -1  # the `since` of a push to a client that holds nothing of it


class Sending:
    """What one session says in one turn; `takes_ttl`, `takes_revision`: the client says so."""

    def __init__(self, responses: Responses, nonces: Iterator[int], warming: Warming) -> None:
        self.takes_ttl = False
        self.takes_revision = False
        self.sent: list[Response] = []
        self.seen: list[Observation] = []
        self._responses = responses
        self._nonces = nonces
        self._warming = warming

    def begin(self, seen: tuple[Observation, ...]) -> None:
        """A turn, in which this was seen already."""
        self.sent, self.seen = [], list(seen)

    def send(
        self,
        subscription: Subscription,
        content: Content,
        catalogue: Catalogue,
        now_s: float,
        *,
        since: int,
        removes: bool = False,
        whole: bool = False,
    ) -> None:
        """`since`: where the client stood; `removes`: by name, or by absence from a full state.

        `whole`: with this the client was told everything that it asked for.
        """
        url, position = subscription.type.url, catalogue.position
        served = catalogue.served(url)
        nonce = Nonce(str(next(self._nonces)))
        response = _response(url, nonce, content, tells_ttl=self.tells_ttl(subscription, served))
        if self.takes_revision:
            response = _with_revision(response, catalogue.revision, _marks(catalogue, whole=whole))
        self.sent.append(response)
        counts = (len(content.resources), len(content.removed))
        apart = since >= catalogue.revised_at and served.log.newest > since
        self.seen.append(Sent(url, nonce, catalogue.revision, *counts, apart, position))
        fresh = content.fresh
        if self._responses.tells_all(subscription):
            fresh = (*fresh, *_unanswered(subscription, content))
            subscription.awaiting.clear()  # a full state replaces whatever is under way
        brought = (content.resources, fresh, content.removed)
        push = Push(nonce, since, position, catalogue.revision, *brought, now_s, removes)
        subscription.awaiting[nonce] = push
        subscription.last_nonce = nonce
        subscription.pushed_to = position
        subscription.confirmed_to = min(subscription.confirmed_to, position - 1)
        if url == CLUSTER:
            self._warming.follow(subscription, content.fresh, catalogue, push)

    def tell_more(self, *, is_due: bool) -> None:
        """Of all that was said in this turn the last says whether more is due, and the others that it is."""
        for place, response in enumerate(self.sent):
            if is_due or place < len(self.sent) - 1:
                self.sent[place] = _marked(response, response.version + MORE)

    def renew(self, subscription: Subscription, contents: tuple[Content, ...], revision: int) -> None:
        """Heartbeats. Nobody waits for their answers, and they bring nobody to a newer revision."""
        url, leases = subscription.type.url, subscription.leases
        if leases is not None and contents:
            leases.beating.clear()
        for content in contents:
            nonce = Nonce(str(next(self._nonces)))
            response = _response(url, nonce, content, tells_ttl=True, renews=True)
            self.sent.append(_with_revision(response, revision) if self.takes_revision else response)
            self.seen.append(Renewed(url, sum(resource.ttl_ms > 0 for resource in content.resources)))
            subscription.last_nonce = nonce
            if leases is not None:
                leases.beating[nonce] = content.resources

    def tells_ttl(self, subscription: Subscription, served: ServedType) -> bool:
        """Whether times to live are told with resources of this type."""
        return self.takes_ttl and bool(served.timed) and self._responses.may_expire(subscription)


def _response(type_url: TypeUrl, nonce: Nonce, content: Content, *, tells_ttl: bool, renews: bool = False) -> Response:
    key = ("ttl", renews, content.share_key) if tells_ttl else content.share_key
    what = (content.version, content.resources, content.removed, key, content.errors)
    return Response(type_url, nonce, *what, content.aliases, content.unresolved, tells_ttl)


def _with_revision(response: Response, revision: int, marks: str = "") -> Response:
    return _marked(response, f"{revision}@{response.version}{marks}")


def _marked(response: Response, version: str) -> Response:
    return replace(response, version=version, share_key=(version, response.share_key))


def _marks(catalogue: Catalogue, *, whole: bool) -> str:
    is_part = 0 < catalogue.complete < catalogue.revision
    part = f"{PART}{catalogue.complete}" if is_part else ""
    return (WHOLE if whole else "") + part + (OLD if catalogue.is_old else "")


def _unanswered(subscription: Subscription, content: Content) -> tuple[Resource, ...]:
    """What a full state repeats of responses that it replaces: the client's answer to it is the answer to that too."""
    if not subscription.awaiting:
        return ()
    pushes = subscription.awaiting.values()
    before = {(one.name, one.version) for push in pushes for one in push.fresh}
    before -= {(one.name, one.version) for one in content.fresh}
    return tuple(one for one in content.resources if (one.name, one.version) in before)
