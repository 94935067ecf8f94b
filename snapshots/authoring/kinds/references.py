"""How one object names another: parents, backends, certificates. Gateway API: "ParentReference", "BackendRef"."""

from __future__ import annotations

from msgspec.structs import replace

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
    """The Gateway or ListenerSet that a route attaches to."""

    group: GroupName = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None
    name: ObjectName
    section_name: SectionName | None = None
    port: PortNumber | None = None


class ParentGatewayReference(Model, frozen=True, kw_only=True):
    """The Gateway that a ListenerSet adds to, as a whole."""

    group: GroupName = GATEWAY_GROUP
    kind: KindName = "Gateway"
    namespace: NamespaceName | None = None
    name: ObjectName


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
    """A parent stands once as a whole, or several times for different sections or ports."""
    if len(parents) < 2:  # as nearly all routes have it
        return
    for index, before in duplicates(list(parents)):
        yield Wrong((*at, index), f"the same parent as parentRefs[{before}]", "remove one, or name its sectionName")
    whole = {_as_whole(each): index for index, each in enumerate(parents) if each == _as_whole(each)}
    for index, each in enumerate(parents):
        named = whole.get(_as_whole(each), index)
        if named != index and each != _as_whole(each):
            text = f"parentRefs[{named}] names all of that parent already"
            yield Wrong((*at, index), text, "name a sectionName or port in both, or remove one")


def _as_whole(parent: ParentReference) -> ParentReference:
    return replace(parent, section_name=None, port=None)


def check_backend(reference: BackendObjectReference, at: Path) -> Wrongs:
    """A Service is reached at one of its ports, which must be named."""
    if reference.kind == "Service" and reference.group == "" and reference.port is None:
        yield Wrong((*at, "port"), f'the Service "{reference.name}" needs a port', "add port: the Service's port")
