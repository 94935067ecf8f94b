"""Answers to what was just asked for: they go at once, whatever else is due (rules 13 to 15, 19 to 21)."""

from __future__ import annotations

from xds.protocol.changelog import ABSENT
from xds.protocol.due import updates_due
from xds.protocol.following import postpone
from xds.protocol.ordering import Turn
from xds.protocol.renewing import lease_again
from xds.protocol.responses import Responses
from xds.protocol.sending import NEW, Sending
from xds.protocol.served import ServedType
from xds.protocol.subscription import Subscription


class Answering:
    """Of one session."""

    def __init__(self, responses: Responses, sending: Sending) -> None:
        self._responses = responses
        self._sending = sending

    def answer(self, subscription: Subscription, turn: Turn) -> None:
        """All that was asked for of one type."""
        if not (subscription.asked or subscription.asked_everything):
            return
        catalogue, served = turn.catalogue, turn.served(subscription)
        if not subscription.started:
            subscription.start(catalogue.position)
        elif subscription.type.aliased:
            self._wait_for_the_rest(subscription, served)
        contents = self._responses.answer(subscription, served)
        for content in contents:
            whole = subscription.asked_everything and content is contents[-1]
            self._sending.send(subscription, content, catalogue, turn.now_s, since=NEW, whole=whole)
        if self._sending.tells_ttl(subscription, served):
            lease_again(subscription, self._responses.held_already(subscription, served))
        self._move(subscription, served, catalogue.position)
        subscription.compared()
        subscription.asked = set()
        subscription.asked_everything = False

    def _wait_for_the_rest(self, subscription: Subscription, served: ServedType) -> None:
        """What is asked for goes in turn when more is due: a part of a state may give two virtual hosts one domain."""
        everything = [one.name for one in served.everything()] if subscription.asked_everything else ()
        others = {resource.name for resource in updates_due(subscription, served)}.difference(subscription.asked)
        others.difference_update(everything, subscription.withheld)
        if others or self._responses.removed_with(subscription, served):
            postpone(subscription, served)
            subscription.owed.update(everything)
            subscription.owes_everything |= subscription.asked_everything
            subscription.asked_everything = False

    def _move(self, subscription: Subscription, served: ServedType, position: int) -> None:
        if subscription.asked_everything or self._responses.tells_all(subscription):
            subscription.sent_to = position
            subscription.owed.clear()
            subscription.ahead.clear()
            subscription.withheld.clear()
        if self._responses.tells_all(subscription):
            return  # what is gone goes with the reduced state
        subscription.owed -= subscription.asked
        for name in subscription.asked & subscription.withheld.keys():
            del subscription.withheld[name]
        level = subscription.sent_to == subscription.gone_to == position
        for name in () if level else subscription.asked:
            resource = served.resources.get(name)
            if resource is not None or not subscription.type.aliased:  # a name that stands for nothing is no removal
                subscription.ahead[name] = ABSENT if resource is None else resource.version
