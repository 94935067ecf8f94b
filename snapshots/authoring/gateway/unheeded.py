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

HEEDED_IN_PART = ("Gateway", "BackendTLSPolicy", "EndpointSlice")


def unheeded(world: World, each: AuthoredObject) -> Iterator[Complaint]:
    """A warning for each such field of an object of the kinds HEEDED_IN_PART; of Gateways, those that are ours."""
    kind, model = each.key.kind, each.model
    if kind == "Gateway" and model.spec.infrastructure is not None and world.is_ours(model.spec.gateway_class_name):
        yield from _infrastructure(each)
    elif kind == "BackendTLSPolicy" and model.spec.options:
        yield _complaint(each, ("spec", "options"), "no options of TLS to backends are known")
    elif kind == "EndpointSlice" and model.address_type == "FQDN":
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
