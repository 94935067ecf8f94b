"""What routes and policies know of a backend: everything but where it is. Pure.

What they come to depends on this alone, so that endpoints can come and go without a route being made anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.authoring.kinds.kubernetes import ServicePort
from snapshots.authoring.objects import AuthoredObject, ObjectKey


@dataclass(frozen=True, slots=True)
class Backend:
    """What routes know of a Service or Backend: everything but where it is. `dynamic`: its endpoints are set through
    the endpoints API; `by_name`: they are found by a DNS name. `ports` and `type` are a Service's."""

    key: ObjectKey
    app_protocol: str | None = None
    dynamic: bool = False
    by_name: bool = False
    ports: tuple[ServicePort, ...] = ()
    type: str = ""


def backend_of(found: AuthoredObject) -> Backend:
    """What routes know of an object of kind Service or Backend."""
    spec = found.model.spec
    if found.key.kind == "Service":
        return Backend(found.key, ports=spec.ports, type=spec.type)
    return Backend(found.key, spec.app_protocol, spec.endpoints == "dynamic", spec.hostname is not None)
