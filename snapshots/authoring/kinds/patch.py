"""EnvoyPatch: changes a part of what an authored object comes to; the object is named, never what is generated.

Ours: fairlead.dev/v1. RFC 7386 (`merge`) and RFC 6902 (`json`).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, field

from snapshots.authoring.kinds.model import (
    GroupName,
    Hostname,
    KindName,
    Model,
    ObjectName,
    SectionName,
    Wrong,
    Wrongs,
)
from snapshots.authoring.yaml_nodes import Path

PartName = Literal[
    "Listener",
    "FilterChain",
    "HttpConnectionManager",
    "TcpProxy",
    "UdpProxy",
    "DownstreamTls",
    "RouteConfiguration",
    "VirtualHost",
    "Route",
    "Cluster",
    "Endpoints",
    "UpstreamTls",
]
_OperationName = Literal["add", "remove", "replace", "move", "copy", "test"]
_NEED_VALUE = ("add", "replace", "test")
_NEED_FROM = ("move", "copy")
# RFC 6901: a tilde is written ~0, a slash in a key ~1.
_POINTER = re.compile(r"^(/([^~]|~[01])*)?$")


class PatchTarget(Model, frozen=True, kw_only=True):
    """An object of the patch's own namespace.

    `group`: the kind's own, if left out. `section_name`: a listener, a rule (by its name, or its number from 0), a
    Service's port by name; without it, all of them. `hostname`: of a listener's virtual hosts, the one of this name.
    """

    group: GroupName | None = None
    kind: KindName
    name: ObjectName
    section_name: SectionName | None = None
    hostname: Hostname | None = None


class PatchOperation(Model, frozen=True, kw_only=True):
    """One operation of RFC 6902."""

    op: _OperationName
    path: str
    from_: str | None = field(name="from", default=None)
    value: Any = UNSET


class EnvoyPatchSpec(Model, frozen=True, kw_only=True):
    """`merge` or `json`. Patches of a lower `priority` go first; of the same, by name."""

    target: PatchTarget
    part: PartName
    merge: dict[str, Any] | None = None
    json: Annotated[tuple[PatchOperation, ...], Meta(min_length=1, max_length=100)] | None = None
    priority: Annotated[int, Meta(ge=0, le=1000)] = 0


class EnvoyPatch(Model, frozen=True, kw_only=True):
    spec: EnvoyPatchSpec


def check_envoy_patch(patch: EnvoyPatch) -> Wrongs:
    """What several fields must agree on."""
    spec = patch.spec
    if spec.merge is None and spec.json is None:
        yield Wrong(("spec",), "a patch needs merge or json", "add one of them")
    if spec.merge is not None and spec.json is not None:
        yield Wrong(("spec", "json"), "merge and json exclude each other", "write two patches")
    if spec.target.hostname is not None and spec.part != "VirtualHost":
        text = f"a hostname chooses among virtual hosts; this patches a {spec.part}"
        yield Wrong(("spec", "target", "hostname"), text, "remove it")
    for index, operation in enumerate(spec.json or ()):
        yield from _operation(operation, ("spec", "json", index))


def _operation(operation: PatchOperation, at: Path) -> Wrongs:
    name = operation.op
    if (operation.value is not UNSET) != (name in _NEED_VALUE):
        needs = "needs a value" if name in _NEED_VALUE else "takes no value"
        yield Wrong(at if name in _NEED_VALUE else (*at, "value"), f'"{name}" {needs}')
    if (operation.from_ is not None) != (name in _NEED_FROM):
        needs = "needs from" if name in _NEED_FROM else "takes no from"
        yield Wrong(at if name in _NEED_FROM else (*at, "from"), f'"{name}" {needs}')
    for key, pointer in (("path", operation.path), ("from", operation.from_ or "")):
        if not _POINTER.match(pointer):
            hint = "it begins with a slash; a slash in a key is written ~1, a tilde ~0"
            yield Wrong((*at, key), f'"{pointer}" is not a JSON Pointer', hint)
    if not operation.path and name != "test":
        yield Wrong((*at, "path"), f'"{name}" of the whole part', "name a field of it")
