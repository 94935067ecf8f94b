"""Additions and updates of one type, when it is their turn: one unanswered push, so that a storm coalesces."""

from __future__ import annotations

from xds.protocol.due import updates_due
from xds.protocol.ordering import Turn
from xds.protocol.removing import Removing
from xds.protocol.responses import Responses
from xds.protocol.sending import Sending
from xds.protocol.subscription import Subscription
from xds.protocol.withholding import Name, withhold


class Adding:
    """Of one session."""

    def __init__(self, responses: Responses, sending: Sending, removing: Removing) -> None:
        self._responses = responses
        self._sending = sending
        self._removing = removing

    def add(self, subscription: Subscription, turn: Turn, broken: set[Name]) -> None:
        """What may go of what the cursor has not passed; `broken`: what the client refused and cannot work with."""
        if subscription.is_held_back:
            return
        catalogue, served = turn.catalogue, turn.served(subscription)
        for name in [name for name in subscription.withheld if name not in served.resources]:
            del subscription.withheld[name]
        due = updates_due(subscription, served)
        if broken and due and not self._responses.tells_all(subscription):
            due = withhold(subscription, catalogue, due, broken)
        if not due:
            subscription.owed.clear()  # what is left of it no longer exists
            if not subscription.awaiting:
                subscription.confirmed_to = catalogue.position
            _advance(subscription, catalogue.position)
            return
        if subscription.awaiting or not turn.may_add(subscription):
            return
        gone = self._responses.removed_with(subscription, served)
        contents = self._responses.additions(subscription, served, due, gone)
        for content in contents:
            removes, whole = bool(content.removed), subscription.owes_everything and content is contents[-1]
            since = subscription.sent_to
            self._sending.send(subscription, content, catalogue, turn.now_s, since=since, removes=removes, whole=whole)
        subscription.owes_everything = False
        for resource in due if not subscription.quiet else ():
            subscription.owed.discard(resource.name)
            subscription.ahead.pop(resource.name, None)
            subscription.withheld.pop(resource.name, None)
        subscription.postponed.clear()
        _advance(subscription, catalogue.position)
        if gone:
            self._removing.told(subscription, turn, gone)


def _advance(subscription: Subscription, position: int) -> None:
    subscription.sent_to = position
    if subscription.gone_to == position:
        subscription.ahead.clear()
