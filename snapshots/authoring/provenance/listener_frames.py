"""What an Envoy listener comes from: Gateways, ListenerSets, and the routes of its proxies. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.layer4 import NO_ROUTE
from snapshots.authoring.gateway.whose import chain_of
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.provenance import tables
from snapshots.authoring.provenance.frames import Frame, Json, Known, items, itself, named
from snapshots.authoring.provenance.guard_frames import guard_frames
from snapshots.authoring.yaml_nodes import Path

_SECRET = ("transport_socket", "typed_config", "common_tls_context")


def bound_to(known: Known, name: str) -> tuple[Bind, list[BoundListener]] | None:
    """The bind whose Envoy listener is called `name`, and the listeners that are served there."""
    found = [(bind, each) for each in known.listeners if each.usable for bind in each.binds if bind.name == name]
    return (found[0][0], [each for _, each in found]) if found else None


def listener_frames(known: Known, listener: Json) -> Iterator[Frame]:
    """Of a Listener."""
    found = bound_to(known, listener["name"])
    if found is None:
        return
    bind, bound = found
    first = bound[0]
    yield Frame((), first.owner, first.path, tables.LISTENER)
    address = _address(first.gateway, bind.address)
    if address is not None:
        yield itself(("address", "socket_address", "address"), first.gateway, address)
    for path, chain in items(listener, "filter_chains"):
        for each in bound:
            if chain_of(bind, each, bound)(chain):
                yield from _chain_frames(known, path, chain, each)
                break
    for path, extension in items(listener, "listener_filters"):
        yield from _proxy_frames(known, path, extension)


def _chain_frames(known: Known, path: Path, chain: Json, listener: BoundListener) -> Iterator[Frame]:
    secure = listener.listener.protocol in ("HTTPS", "TLS")
    yield Frame(path, listener.owner, listener.path, tables.CHAIN if secure else tables.PLAIN_CHAIN)
    check = (*path, *_SECRET, "combined_validation_context", "validation_context_sds_secret_config")
    yield Frame(check, listener.gateway, ("spec", "tls", "frontend"), tables.CLIENT_CHECK)
    check = (*path, *_SECRET, "validation_context_sds_secret_config")
    yield Frame(check, listener.gateway, ("spec", "tls", "frontend"), tables.CLIENT_CHECK)
    for below, extension in items(chain, "filters"):
        yield from _proxy_frames(known, (*path, *below), extension)
        yield from guard_frames(known, (*path, *below, "typed_config"), extension.get("typed_config", {}))
        route = _route_of(known, extension)
        if extension.get("typed_config", {}).get("stat_prefix") == NO_ROUTE:
            yield Frame((*path, *below, "typed_config"), listener.owner, listener.path, tables.CLOSED)
        for asked, hostname in items(chain, "filter_chain_match", "server_names"):
            if route is not None and hostname in route.model.spec.hostnames:
                at = ("spec", "hostnames", route.model.spec.hostnames.index(hostname))
                yield itself((*path, *asked), route, at)
                yield itself((*path, "name"), route, at)


def _proxy_frames(known: Known, path: Path, extension: Json) -> Iterator[Frame]:
    """Of a filter that passes connections or packets on, by the name of its route."""
    route = _route_of(known, extension)
    if route is None:
        return
    base: Path = ("spec", "rules", 0)
    yield Frame(path, route, base, tables.PROXY)
    weighted = [index for index, ref in enumerate(route.model.spec.rules[0].backend_refs) if ref.weight > 0]
    shares = items(extension["typed_config"], "weighted_clusters", "clusters")
    for (below, _), index in zip(shares, weighted, strict=False):
        yield Frame((*path, "typed_config", *below), route, (*base, "backendRefs", index), tables.SHARE)
    if route.key.kind == "UDPRoute" and len(weighted) > 1:  # its backends are one cluster, called after it
        action = ("typed_config", "matcher", "on_no_match", "action", "typed_config", "cluster")
        yield itself((*path, *action), route, ("metadata", "name"))
    elif len(weighted) == 1:
        yield itself((*path, "typed_config", "cluster"), route, (*base, "backendRefs", weighted[0], "name"))


def _route_of(known: Known, extension: Json) -> AuthoredObject | None:
    prefix = str(extension.get("typed_config", {}).get("stat_prefix", ""))
    return named(known.world, prefix) if prefix.count("/") == 2 and "Route/" in prefix else None


def _address(gateway: AuthoredObject, address: str) -> Path | None:
    for index, each in enumerate(gateway.model.spec.addresses):
        try:
            if str(ipaddress.ip_address(each.value)) == address:
                return ("spec", "addresses", index, "value")
        except ValueError:
            continue
    return None
