"""What each object is told: conditions in the standard's words. Pure; whether Envoy took it is not known here.

Source: Gateway API, GatewayStatus, ListenerSetStatus and RouteParentStatus, their condition types and reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.bound import BoundListener, ListenerId
from snapshots.authoring.gateway.client_certificates import CLIENT_CERTIFICATE
from snapshots.authoring.gateway.client_checks import is_insecure
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.conditions import Condition, told
from snapshots.authoring.gateway.features import SUPPORTED_FEATURES
from snapshots.authoring.gateway.gateways import OwnGateway, parameters_unknown
from snapshots.authoring.gateway.listener_statuses import is_resolved, listener_status
from snapshots.authoring.objects import AuthoredObject, ObjectKey


def class_status(each: AuthoredObject) -> tuple[dict[str, Any], Complaint | None]:
    """What a GatewayClass of ours is told, and what is wrong with it. One that is refused keeps its Gateways: they are
    not to fall with it."""
    accepted, wrong = Condition("Accepted", True, "Accepted"), None
    reference = each.model.spec.parameters_ref
    if reference is not None:
        wrong = parameters_unknown(each, ("spec", "parametersRef"), reference.kind)
        accepted = Condition("Accepted", False, wrong.reason, wrong.message)
    features = [{"name": name} for name in SUPPORTED_FEATURES]
    return {"conditions": told(each, [accepted]), "supportedFeatures": features}, wrong


@dataclass(frozen=True, slots=True)
class Owners:
    """Tells the owners of listeners: Gateways and ListenerSets. `listeners_of`: an owner's; `routes`: how many a
    listener has; `complaints`: about Gateways."""

    listeners_of: Callable[[ObjectKey], Sequence[BoundListener]]
    routes: Callable[[ListenerId], int]
    complaints: Sequence[Complaint]

    def gateway(self, own: OwnGateway) -> dict[str, Any]:
        listeners = self.listeners_of(own.gateway.key)
        accepted = _accepted(own, listeners, any(map(self._serves, own.sets)))
        conditions = [accepted, _programmed(own, accepted), self._resolved(own.gateway, listeners)]
        if own.gateway.model.spec.default_scope == "All":
            text = "Gateway has default scope All"
            conditions.append(Condition("DefaultGateway", True, "DefaultGateway", text))
        if is_insecure(own.gateway):
            text = "clients are served that could not prove who they are"
            conditions.append(Condition("InsecureFrontendValidationMode", True, "ConfigurationChanged", text))
        return {
            "addresses": [{"type": "IPAddress", "value": each} for each in own.addresses if accepted.status],
            "attachedListenerSets": sum(accepted.status and self._serves(each) for each in own.sets),
            "conditions": told(own.gateway, conditions),
            "listeners": self._listeners(listeners),
        }

    def listener_set(self, own: OwnGateway, listener_set: AuthoredObject) -> dict[str, Any]:
        listeners = self.listeners_of(listener_set.key)
        conditions = told(listener_set, _set_conditions(own, listeners))
        return {"conditions": conditions, "listeners": self._listeners(listeners)}

    def _serves(self, owner: AuthoredObject) -> bool:
        return any(each.usable for each in self.listeners_of(owner.key))

    def _listeners(self, listeners: Iterable[BoundListener]) -> list[dict[str, Any]]:
        return [listener_status(each, self.routes(each.id)) for each in listeners]

    def _resolved(self, gateway: AuthoredObject, listeners: Iterable[BoundListener]) -> Condition:
        """Of the Gateway's own references, and then of its listeners'."""
        for complaint in self.complaints:
            if complaint.subject is gateway and complaint.path[: len(CLIENT_CERTIFICATE)] == CLIENT_CERTIFICATE:
                return Condition("ResolvedRefs", False, complaint.reason, complaint.message)
        unresolved = [f'"{each.listener.name}"' for each in listeners if not is_resolved(each)]
        if unresolved:
            text = f"references of listeners lead nowhere: {', '.join(unresolved)}"
            return Condition("ResolvedRefs", False, "ListenersNotResolved", text)
        return Condition("ResolvedRefs", True, "ResolvedRefs")


def _accepted(own: OwnGateway, listeners: Iterable[BoundListener], sets_serve: bool) -> Condition:
    if own.rejection is not None:
        return Condition("Accepted", False, own.rejection.reason, own.rejection.message)
    wrong = [f'"{each.listener.name}"' for each in listeners if not each.usable]
    if wrong:
        right = sets_serve or any(each.usable for each in listeners)
        return Condition("Accepted", right, "ListenersNotValid", f"listeners that are not served: {', '.join(wrong)}")
    return Condition("Accepted", True, "Accepted")


def _programmed(own: OwnGateway, accepted: Condition) -> Condition:
    if not accepted.status:
        return Condition("Programmed", False, "Invalid", accepted.message)
    if own.unusable is not None:
        return Condition("Programmed", False, own.unusable.reason, own.unusable.message)
    return Condition("Programmed", True, "Programmed")


def _set_conditions(own: OwnGateway, listeners: Sequence[BoundListener]) -> Iterator[Condition]:
    if own.rejection is not None:
        text = f"{own.gateway.key} is not accepted"
        yield Condition("Accepted", False, "ParentNotAccepted", text)
        yield Condition("Programmed", False, "ParentNotProgrammed", text)
        return
    wrong = [f'"{each.listener.name}"' for each in listeners if not each.usable]
    text = f"listeners that are not served: {', '.join(wrong)}" if wrong else ""
    serves = len(wrong) < len(listeners)
    yield Condition("Accepted", serves, "ListenersNotValid" if wrong else "Accepted", text)
    if serves and own.unusable is not None and not own.addresses:
        yield Condition("Programmed", False, "ParentNotProgrammed", own.unusable.message)
        return
    yield Condition("Programmed", serves, "Programmed" if serves else "ListenersNotValid", text)


def refused_set(why: Complaint) -> dict[str, Any]:
    """What a ListenerSet is told that its Gateway does not take."""
    refused = [Condition(each, False, why.reason, why.message) for each in ("Accepted", "Programmed")]
    return {"conditions": told(why.subject, refused)}
