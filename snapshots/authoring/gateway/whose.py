"""Whose a filter chain or a virtual host is: the listener's with the most specific hostname for it. Pure.

For those who look at what was generated: patches, and the question where a value comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.hostnames import EVERY_HOST
from snapshots.authoring.gateway.virtual_hosts import owner_of

_SECURE = ("HTTPS", "TLS")
# A filter chain, or a virtual host, in Envoy's JSON form.
Json = Mapping[str, Any]


def chain_of(bind: Bind, listener: BoundListener, beside: Sequence[BoundListener]) -> Callable[[Json], bool]:
    """Whether a chain is a listener's: by the name that clients ask for; without TLS there is one chain for all.
    `beside`: all listeners of the bind."""
    if listener.listener.protocol not in _SECURE:
        return lambda chain: chain.get("name") == bind.name
    hostnames = {each.hostname for each in beside if each.listener.protocol in _SECURE}

    def is_its(chain: Json) -> bool:
        asked = chain.get("filter_chain_match", {}).get("server_names", [EVERY_HOST])
        return chain.get("name") != bind.name and owner_of(asked[0], hostnames) == listener.hostname

    return is_its


def host_of(listener: BoundListener, beside: Sequence[BoundListener]) -> Callable[[Json], bool]:
    """Whether a virtual host is a listener's."""
    hostnames = {each.hostname for each in beside if each.listener.protocol == listener.listener.protocol}

    def is_its(host: Json) -> bool:
        first = host.get("domains", ["*"])[0]
        return owner_of(EVERY_HOST if first == "*" else first, hostnames) == listener.hostname

    return is_its
