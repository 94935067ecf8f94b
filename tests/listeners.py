"""Listeners of every protocol for tests, and the certificates that they need; beside `tests.gateways`."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import trustme

from tests.gateways import NAMESPACE, Object, an_object, conditions


def a_listener(name: str, port: int, protocol: str = "HTTP", **more: Any) -> Object:
    """One of `spec.listeners`, that takes routes from everywhere."""
    return {"name": name, "port": port, "protocol": protocol, "allowedRoutes": {"namespaces": {"from": "All"}}} | more


def _named(hostname: str) -> Object:
    return {"hostname": hostname} if hostname else {}


def passthrough(name: str, port: int, hostname: str = "") -> Object:
    """A listener that passes TLS through."""
    return a_listener(name, port, "TLS", tls={"mode": "Passthrough"}, **_named(hostname))


def terminating(name: str, port: int, hostname: str = "", *, protocol: str = "HTTPS", secret: str = "pair") -> Object:
    """A listener that ends TLS with a Secret."""
    return a_listener(name, port, protocol, tls={"certificateRefs": [{"name": secret}]}, **_named(hostname))


def a_listener_set(name: str, *listeners: Object, gateway: str = "edge", **more: Any) -> Object:
    """Of a Gateway in NAMESPACE; `more`: what `an_object` takes."""
    parent = {"name": gateway, "namespace": NAMESPACE}
    return an_object("ListenerSet", name, spec={"parentRef": parent, "listeners": listeners}, **more)


def aged(document: Object, second: int) -> Object:
    """The same object, created at that second."""
    metadata = document["metadata"] | {"creationTimestamp": f"2026-01-31T12:00:{second:02}Z"}
    return document | {"metadata": metadata}


@cache
def _pair() -> Object:
    issued = trustme.CA().issue_cert("*.example")
    pair = {"tls.crt": issued.cert_chain_pems[0].bytes(), "tls.key": issued.private_key_pem.bytes()}
    return {key: base64.b64encode(value).decode() for key, value in pair.items()}


def a_pair(name: str = "pair", namespace: str = NAMESPACE) -> Object:
    """A Secret with a certificate for *.example and its key, always the same."""
    return an_object("Secret", name, namespace, type="kubernetes.io/tls", data=_pair())


@cache
def _authorities() -> str:
    return trustme.CA().cert_pem.bytes().decode()


def authorities(name: str, namespace: str = NAMESPACE) -> Object:
    """A ConfigMap with a CA certificate."""
    return an_object("ConfigMap", name, namespace, data={"ca.crt": _authorities()})


def of_listener(told: Object, name: str) -> dict[str, tuple[str, str]]:
    """The conditions of one listener of a Gateway's or ListenerSet's status."""
    return conditions(next(each for each in told["listeners"] if each["name"] == name))
