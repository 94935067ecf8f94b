"""Connections that are passed on as they are: filter chains of TLS and TCP listeners, and the filter of UDP ones. Pure.

A listener without a route, or with wrong backends only, takes connections and closes them: that is what the standard
means by rejecting, and a client sees at once that nobody is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshots.authoring.gateway.bound import Bind, BoundListener, ListenerId
from snapshots.authoring.gateway.client_checks import validation_fields
from snapshots.authoring.gateway.envoy import ADS, Messages
from snapshots.authoring.gateway.hostnames import wildcards_above
from snapshots.authoring.gateway.layer4 import Again, Layer4Routes
from snapshots.authoring.objects import AuthoredObject, ObjectKey

DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
HTTP_ALPN = ("h2", "http/1.1")

# The routes of a listener, in order of precedence, with the hostnames that they serve there.
RoutesOf = Callable[[ListenerId], Sequence[tuple[AuthoredObject, tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class Connections:
    """One translation's: what is attached to which listener, how routes are made, and which certificate each Gateway
    shows to backends."""

    messages: Messages
    layer4: Layer4Routes
    routes_of: RoutesOf
    shown: Callable[[ObjectKey], str]

    def chains(self, bind: Bind, listeners: Sequence[BoundListener]) -> Iterator[dict[str, Any]]:
        """The filter chains of the TCP and TLS listeners among all those of one bind."""
        owners = {each.hostname: each for each in listeners if each.listener.protocol in ("HTTPS", "TLS")}
        for each in listeners:
            if each.listener.protocol == "TCP":
                yield {"name": bind.name, "filters": [self.layer4.proxy(self._oldest(each))]}
            elif each.listener.protocol == "TLS":
                yield from self._by_name(bind, each, owners)

    def packets(self, listeners: Sequence[BoundListener]) -> dict[str, Any]:
        """The listener filter of a UDP bind. Of several routes the oldest has it, as with TCP."""
        return self.layer4.udp_proxy(self._oldest(listeners[0]))

    def _oldest(self, each: BoundListener) -> AuthoredObject | None:
        attached = self.routes_of(each.id)
        return attached[0][0] if attached else None

    def _by_name(
        self, bind: Bind, each: BoundListener, owners: Mapping[str, BoundListener]
    ) -> Iterator[dict[str, Any]]:
        """A chain for each name that clients may ask for: of several routes the oldest has it. What no route has is
        closed, and not left to a listener with a less specific name."""
        routes: dict[str, AuthoredObject | None] = {}
        for route, hostnames in self.routes_of(each.id):
            for hostname in hostnames:
                if _owner(hostname, owners) is each:
                    routes.setdefault(hostname, route)
        routes.setdefault(each.hostname, None)
        for hostname in sorted(routes):
            again = Again(self.shown(each.gateway.key)) if each.terminates else None
            proxy = self.layer4.proxy(routes[hostname], again)
            chain = tls_chain(bind, hostname) | {"filters": [proxy]}
            terminated = routes[hostname] is not None and each.terminates
            yield chain | ({"transport_socket": transport_socket(self.messages, each)} if terminated else {})


def _owner(hostname: str, owners: Mapping[str, BoundListener]) -> BoundListener | None:
    """The listener with the most specific hostname that takes in `hostname`."""
    return next((owners[name] for name in (hostname, *wildcards_above(hostname)) if name in owners), None)


def tls_chain(bind: Bind, hostname: str) -> dict[str, Any]:
    """The fields of a filter chain for TLS that asks for a name; EVERY_HOST: for any, or none."""
    match = {"transport_protocol": "tls"} | ({"server_names": [hostname]} if hostname else {})
    return {"name": f"{bind.name}/{hostname or '*'}", "filter_chain_match": match}


def transport_socket(messages: Messages, listener: BoundListener, alpn: Iterable[str] = ()) -> dict[str, Any]:
    """Ends TLS with a listener's certificates, and asks clients for theirs where it should."""
    secrets = [{"name": name, "sds_config": ADS} for name in listener.certificates]
    common: dict[str, Any] = {"tls_certificate_sds_secret_configs": secrets, "alpn_protocols": list(alpn)}
    fields: dict[str, Any] = {"common_tls_context": common}
    check = listener.client_check
    if check is not None:
        common |= validation_fields(check)
        fields["require_client_certificate"] = {"value": not check.optional}
    return messages.extension("envoy.transport_sockets.tls", DOWNSTREAM_TLS, fields)
