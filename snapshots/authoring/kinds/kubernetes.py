"""Kubernetes' own kinds, as far as a gateway reads them. What else a manifest holds may stand there.

Source: Kubernetes API v1 and discovery.k8s.io/v1.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Annotated, Literal

from msgspec import Meta, field

from snapshots.authoring.kinds.model import OpenModel, PortNumber, Wrong, Wrongs


class ServicePort(OpenModel, frozen=True, kw_only=True):
    name: str = ""
    port: PortNumber
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    target_port: int | str | None = None
    app_protocol: str | None = None


class ServiceSpec(OpenModel, frozen=True, kw_only=True):
    ports: tuple[ServicePort, ...] = ()
    type: str = "ClusterIP"
    external_name: str | None = None


class Service(OpenModel, frozen=True, kw_only=True):
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(OpenModel, frozen=True, kw_only=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(OpenModel, frozen=True, kw_only=True):
    addresses: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]
    conditions: EndpointConditions = EndpointConditions()
    zone: str | None = None


class EndpointPort(OpenModel, frozen=True, kw_only=True):
    name: str | None = None
    port: PortNumber | None = None
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    app_protocol: str | None = None


class EndpointSlice(OpenModel, frozen=True, kw_only=True):
    """The Service is named by the label `kubernetes.io/service-name`."""

    address_type: Literal["IPv4", "IPv6", "FQDN"]
    endpoints: tuple[Endpoint, ...] | None = ()
    ports: tuple[EndpointPort, ...] | None = ()


def check_endpoint_slice(endpoint_slice: EndpointSlice) -> Wrongs:
    """The addresses are of the slice's type. Names (FQDN) are not read."""
    family = {"IPv4": 4, "IPv6": 6}.get(endpoint_slice.address_type)
    if family is None:
        return
    for index, endpoint in enumerate(endpoint_slice.endpoints or ()):
        for number, address in enumerate(endpoint.addresses):
            if _version(address) != family:
                text = f'"{address}" is not an {endpoint_slice.address_type} address'
                yield Wrong(("endpoints", index, "addresses", number), text)


def _version(address: str) -> int:
    """4, 6, or 0 for what is no IP address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


class Secret(OpenModel, frozen=True, kw_only=True):
    """`data` is base64, `string_data` text; the latter wins."""

    type: str = "Opaque"
    data: dict[str, str] = field(default_factory=dict)
    string_data: dict[str, str] = field(default_factory=dict)


class ConfigMap(OpenModel, frozen=True, kw_only=True):
    data: dict[str, str] = field(default_factory=dict)
    binary_data: dict[str, str] = field(default_factory=dict)


class Namespace(OpenModel, frozen=True, kw_only=True):
    """Its labels are what listeners select by."""


def check_secret(secret: Secret) -> Wrongs:
    """What stands under `data` is base64. The value itself is never shown."""
    for key, value in secret.data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield Wrong(("data", key), f'the value of "{key}" is not base64', "put plain text under stringData")
