"""Tells a client that takes revisions whether more of one is to come, and when it has been told all of it.

Such a client may serve others, who must not hear of half a revision as of the whole. It decides no content.
"""

from __future__ import annotations

from collections.abc import Sequence

from xds.protocol.content import Content
from xds.protocol.ordering import KEPT_WHILE_REFERRED_TO, Turn
from xds.protocol.responses import Responses
from xds.protocol.sending import Sending
from xds.protocol.subscription import Subscription


class Completing:
    """Of one session."""

    def __init__(self, responses: Responses, sending: Sending) -> None:
        self._responses = responses
        self._sending = sending
        self._promised: Subscription | None = None  # more was said to come, with a response of this type

    def tell(self, subscriptions: Sequence[Subscription], turn: Turn) -> None:
        """At the end of a turn. When nothing is left to be sent of what was to come, that is said by itself."""
        if not (self._sending.sent or self._promised):
            return
        is_due = any(self._is_owed(one, turn) for one in subscriptions)
        if not self._sending.sent:
            if is_due or self._promised is None:
                return
            self._say_nothing(self._promised, turn)
        self._sending.tell_more(is_due=is_due)
        last = self._sending.sent[-1].type_url
        self._promised = next(one for one in subscriptions if one.type.url == last) if is_due else None

    def _is_owed(self, subscription: Subscription, turn: Turn) -> bool:
        if subscription.pending is not None:
            return False  # what is not known here is not of a revision either
        if not subscription.started:
            return subscription.is_unanswered
        if subscription.sent_to < turn.catalogue.position:
            return True
        due = self._responses.removals_due(subscription, turn.served(subscription))
        kept = subscription.lingering if subscription.type.url in KEPT_WHILE_REFERRED_TO else ()
        return any(name not in kept for name in due)

    def _say_nothing(self, subscription: Subscription, turn: Turn) -> None:
        served = turn.served(subscription)
        content = Content(served.version, (), (), (), (*served.identity, "nothing"))
        self._sending.send(subscription, content, turn.catalogue, turn.now_s, since=subscription.sent_to)
