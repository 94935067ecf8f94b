"""How one object names another: parents, backends, certificates. Gateway API: "ParentReference", "BackendRef"."""

from __future__ import annotations

from snapshots.authoring.kinds.model import (
    GATEWAY_GROUP,
    GroupName,
    KindName,
    Model,
    NamespaceName,
    ObjectName,
    PortNumber,
    SectionName,
    Weight,
    Wrong,
    Wrongs,
    duplicates,
)
from snapshots.authoring.yaml_nodes import Path


class ParentReference(Model, frozen=True, kw_only=True):
    """The Gateway or ListenerSet that a route, or the Gateway that a ListenerSet, attaches to."""

    group: GroupName = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None
    name: ObjectName
    section_name: SectionName | None = None
    port: PortNumber | None = None


class BackendObjectReference(Model, frozen=True, kw_only=True):
    """A Service, or a Backend: something that requests can go to."""

    group: GroupName = ""
    kind: KindName = "Service"
    name: ObjectName
    namespace: NamespaceName | None = None
    port: PortNumber | None = None


class BackendRef(BackendObjectReference, frozen=True, kw_only=True):
    """One of several, by weight."""

    weight: Weight = 1


class SecretObjectReference(Model, frozen=True, kw_only=True):
    """A certificate: a Secret unless it says otherwise."""

    group: GroupName = ""
    kind: KindName = "Secret"
    name: ObjectName
    namespace: NamespaceName | None = None


class ObjectReference(Model, frozen=True, kw_only=True):
    """Any object, named in full."""

    group: GroupName
    kind: KindName
    name: ObjectName
    namespace: NamespaceName | None = None


class LocalObjectReference(Model, frozen=True, kw_only=True):
    """An object in the same namespace."""

    group: GroupName
    kind: KindName
    name: ObjectName


def check_parents(parents: tuple[ParentReference, ...], at: Path) -> Wrongs:
    """A parent may be named twice only for different sections or ports."""
    for index, before in duplicates(list(parents)):
        yield Wrong((*at, index), f"the same parent as parentRefs[{before}]", "remove one, or name its sectionName")


def check_backend(reference: BackendObjectReference, at: Path) -> Wrongs:
    """A Service is reached at one of its ports, which must be named."""
    if reference.kind == "Service" and reference.group == "" and reference.port is None:
        yield Wrong((*at, "port"), f'the Service "{reference.name}" needs a port', "add port: the Service's port")
