"""Fields that the standard has and that change nothing here: each is told of, so that nobody counts on it. Pure.

What can be served in part, or not at all, is told where it is built; these are read and left.
"""

from __future__ import annotations

from collections.abc import Iterator

from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import FIELD_UNHEEDED


def unheeded(world: World) -> Iterator[Complaint]:
    """A warning for each such field of the Gateways that are ours, of policies and of EndpointSlices."""
    for each in world.of("Gateway"):
        if each.model.spec.infrastructure is not None and world.is_ours(each.model.spec.gateway_class_name):
            yield from _infrastructure(each)
    for each in world.of("BackendTLSPolicy"):
        if each.model.spec.options:
            yield _complaint(each, ("spec", "options"), "no options of TLS to backends are known")
    for each in world.of("EndpointSlice"):
        if each.model.address_type == "FQDN":
            hint = "write a Backend with its hostname and port"
            yield _complaint(each, ("addressType",), "names in EndpointSlices are not looked up", hint)


def _infrastructure(gateway: AuthoredObject) -> Iterator[Complaint]:
    infrastructure = gateway.model.spec.infrastructure
    for field, value in (("labels", infrastructure.labels), ("annotations", infrastructure.annotations)):
        if value:
            text = f"nothing is created for a Gateway that could carry {field}"
            yield _complaint(gateway, ("spec", "infrastructure", field), text)


def _complaint(subject: AuthoredObject, at: Path, text: str, hint: str = "") -> Complaint:
    return Complaint(subject, at, FIELD_UNHEEDED, "", text, hint, severity="warning")
