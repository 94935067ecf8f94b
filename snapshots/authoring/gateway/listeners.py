"""The listeners of Gateways and ListenerSets: where they bind, whom they take, what is wrong with them. Pure.

Source: Gateway API, "Gateway" (listeners) and "ListenerSet" (GEP-1713).
"""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.certificates import Certificates
from snapshots.authoring.gateway.client_checks import ClientChecks
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.conflicts import with_overlaps, without_conflicts
from snapshots.authoring.gateway.gateways import Gateways, OwnGateway
from snapshots.authoring.kinds.gateway import Listener
from snapshots.authoring.kinds.model import GATEWAY_GROUP
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import CERTIFICATE_INVALID, LISTENER_UNSUPPORTED

# Protocol -> the kinds of routes that it can serve.
ROUTE_KINDS: dict[str, tuple[str, ...]] = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute",),
    "TCP": ("TCPRoute",),
    "UDP": ("UDPRoute",),
}


def bound_listeners(
    found: Gateways, certificates: Certificates, checks: ClientChecks, complaints: Complaints
) -> tuple[BoundListener, ...]:
    """Every listener of every Gateway that is ours, in order of precedence: of a Gateway, then of its ListenerSets."""
    make = _Listeners(certificates, checks, complaints)
    every = (
        make.bound(own, owner, index, listener)
        for own in found.own
        for owner in (own.gateway, *own.sets)
        for index, listener in enumerate(owner.model.spec.listeners)
    )
    return tuple(with_overlaps(tuple(without_conflicts(every, complaints))))


@dataclass(frozen=True, slots=True)
class _Listeners:
    """Makes listeners one by one, as if each were alone."""

    certificates: Certificates
    checks: ClientChecks
    complaints: Complaints

    def bound(self, own: OwnGateway, owner: AuthoredObject, index: int, listener: Listener) -> BoundListener:
        at: Path = ("spec", "listeners", index)
        kinds, remarks = self._kinds(owner, listener, at)
        problems = [each for each in (own.rejection, self._unsupported(owner, listener, at)) if each is not None]
        names, wrong = self._certificates(owner, listener, at)
        check = self.checks.of(own.gateway, listener.port) if listener.protocol == "HTTPS" else None
        distrusted = check.wrong if check else ()
        # What is left of several certificates, or authorities, is used.
        (remarks if names else problems).extend(wrong)
        (remarks if check is None or check.authorities else problems).extend(distrusted)
        return BoundListener(
            gateway=own.gateway,
            owner=owner,
            index=index,
            listener=listener,
            addresses=own.addresses,
            kinds=kinds,
            problems=tuple(problems),
            remarks=tuple(remarks),
            certificates=names,
            client_check=check,
        )

    def _unsupported(self, owner: AuthoredObject, listener: Listener, at: Path) -> Complaint | None:
        if listener.protocol not in ROUTE_KINDS:
            text = f'the protocol "{listener.protocol}" is not supported'
            hint = f"one of {', '.join(ROUTE_KINDS)}"
            found = Complaint(owner, (*at, "protocol"), LISTENER_UNSUPPORTED, "UnsupportedProtocol", text, hint)
            return self.complaints.add(found)
        # To serve TLS as if an option were not there could be less safe than what was asked for.
        for option in sorted(listener.tls.options) if listener.tls else ():
            text = f'the TLS option "{option}" is not known'
            path = (*at, "tls", "options", option)
            found = Complaint(owner, path, LISTENER_UNSUPPORTED, "UnsupportedValue", text, "remove it")
            return self.complaints.add(found)
        return None

    def _kinds(self, owner: AuthoredObject, listener: Listener, at: Path) -> tuple[tuple[str, ...], list[Complaint]]:
        """The kinds of routes that it takes: what it allows of those that it can serve; and what it allows in vain."""
        possible = ROUTE_KINDS.get(listener.protocol, ())
        if not listener.allowed_routes.kinds or not possible:
            return possible, []
        taken, vain = [], []
        for index, each in enumerate(listener.allowed_routes.kinds):
            if each.group == GATEWAY_GROUP and each.kind in possible:
                taken.append(each.kind)
                continue
            text = f'a listener of protocol {listener.protocol} cannot serve routes of kind "{each.kind}"'
            path = (*at, "allowedRoutes", "kinds", index)
            hint = f"one of {', '.join(possible)}"
            found = Complaint(owner, path, LISTENER_UNSUPPORTED, "InvalidRouteKinds", text, hint)
            vain.append(self.complaints.add(found))
        return tuple(dict.fromkeys(taken)), vain

    def _certificates(
        self, owner: AuthoredObject, listener: Listener, at: Path
    ) -> tuple[tuple[str, ...], list[Complaint]]:
        tls = listener.tls
        if listener.protocol not in ("HTTPS", "TLS") or (tls is not None and tls.mode != "Terminate"):
            return (), []
        references = tls.certificate_refs if tls else ()
        if not references:
            text = f"protocol {listener.protocol} needs a certificate"
            found = Complaint(owner, at, CERTIFICATE_INVALID, "InvalidCertificateRef", text, "add tls.certificateRefs")
            return (), [self.complaints.add(found)]
        each_found = [
            self.certificates.resolve(owner, reference, (*at, "tls", "certificateRefs", index))
            for index, reference in enumerate(references)
        ]
        wrong = [self.complaints.add(each) for each in each_found if isinstance(each, Complaint)]
        return tuple(dict.fromkeys(each for each in each_found if isinstance(each, str))), wrong
