"""Removals: last of all, referrers before what they refer to, and never what something served or held still needs."""

from __future__ import annotations

from xds.protocol.ordering import KEPT_WHILE_REFERRED_TO, Turn
from xds.protocol.responses import Responses
from xds.protocol.sending import Sending
from xds.protocol.subscription import Subscription
from xds.protocol.withholding import Name, kept


class Removing:
    """Of one session. `is_removing`: something is due to go, or its answer is awaited."""

    def __init__(self, responses: Responses, sending: Sending) -> None:
        self.is_removing = False
        self._responses = responses
        self._sending = sending

    def remove(self, turn: Turn) -> None:
        """What may go now: one type after the other."""
        held: set[Name] | None = None
        self.is_removing = False
        for subscription in turn.in_removal_order():
            if subscription.is_held_back:
                continue
            due = self._responses.removals_due(subscription, turn.served(subscription))
            lingered = subscription.lingering
            if due or lingered:
                held = kept(turn.family()) if held is None else held
                due = _linger(subscription, due, held, turn)
            self.is_removing |= bool(due) or _removes(subscription)
            if not due:
                self._nothing_to_remove(subscription, turn)
            elif not subscription.awaiting:
                if not turn.may_remove(subscription, freed=not lingered.isdisjoint(due)):
                    return
                self._send(subscription, due, turn)
            if (due or _removes(subscription)) and turn.is_waited_for(subscription):
                return  # what it refers to goes after its answer

    def told(self, subscription: Subscription, turn: Turn, due: tuple[str, ...]) -> None:
        """The removal of these was sent."""
        subscription.lingering.difference_update(due)
        subscription.let_go.difference_update(due)
        for name in subscription.parting.keys() & due:
            del subscription.parting[name]
        self._nothing_to_remove(subscription, turn)

    def _send(self, subscription: Subscription, due: tuple[str, ...], turn: Turn) -> None:
        since = subscription.sent_to
        for content in self._responses.removals(subscription, turn.served(subscription), due):
            self._sending.send(subscription, content, turn.catalogue, turn.now_s, since=since, removes=True)
        self.told(subscription, turn, due)

    def _nothing_to_remove(self, subscription: Subscription, turn: Turn) -> None:
        subscription.gone_to = max(subscription.gone_to, subscription.sent_to)
        if subscription.gone_to == subscription.sent_to == turn.catalogue.position:
            subscription.ahead.clear()
        subscription.let_go.clear()
        resources = turn.served(subscription).resources
        for name in [name for name in subscription.rejected if name not in resources]:
            del subscription.rejected[name]


def _linger(subscription: Subscription, due: tuple[str, ...], held: set[Name], turn: Turn) -> tuple[str, ...]:
    """Removals that would break what is served or held stay out, until nothing needs them any more (rule 29)."""
    type_url = subscription.type.url
    needed = set()
    for name in due:
        served_needs = type_url in KEPT_WHILE_REFERRED_TO and turn.catalogue.is_referred_to(type_url, name)
        if served_needs or (type_url, name) in held or turn.is_parting(subscription, name):
            needed.add(name)
            departed = turn.served(subscription).departed.get(name)
            held.update((one.type_url, one.name) for one in (departed.references if departed else ()))
    free = tuple(name for name in due if name not in needed)
    subscription.lingering = needed | subscription.lingering.intersection(free)  # those go when they were sent
    for name in subscription.parting.keys() - due:
        del subscription.parting[name]
    return free


def _removes(subscription: Subscription) -> bool:
    return any(push.removes for push in subscription.awaiting.values())
