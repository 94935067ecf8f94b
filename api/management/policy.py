"""Who may call what: one row for every method, and nothing for a method without a row.  security.md, "side door".

No roles are told apart yet: `Proof` says how a caller was let in at all, and a row says what that must be at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from google.protobuf.descriptor import ServiceDescriptor

from api.errors import Denied
from api.management.v1 import management_pb2 as pb

SERVICE: ServiceDescriptor = pb.DESCRIPTOR.services_by_name["Management"]


class Proof(IntEnum):
    """How a caller was let in: by nothing at all, by being allowed without proof, or by a certificate of the CA."""

    NONE = 0
    TRUSTED_ADDRESS = 1
    CERTIFICATE = 2


# Liveness is for load balancers, which have no certificate to show where TLS does not ask for one.
_OPEN = ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch")
_REFLECTION = (
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
)
_MANAGEMENT = (
    "Check",
    "Plan",
    "Publish",
    "Rollback",
    "GetRevision",
    "GetDocuments",
    "ListObjects",
    "ListGroups",
    "ListRevisions",
    "Diff",
    "ListNodes",
    "GetNode",
    "GetNodeConfiguration",
    "OrderNode",
    "GetLoad",
    "Explain",
    "ListEndpoints",
    "ChangeEndpoints",
    "WatchEndpoints",
    "ListEndpointChanges",
    "ReportSync",
    "ListSyncs",
    "OrderSync",
    "FollowRevision",
    "WatchEvents",
    "GetStatus",
)
POLICY: Mapping[str, Proof] = (
    dict.fromkeys(_OPEN, Proof.NONE)
    | dict.fromkeys(_REFLECTION, Proof.TRUSTED_ADDRESS)
    | {f"/{SERVICE.full_name}/{method}": Proof.TRUSTED_ADDRESS for method in _MANAGEMENT}
)


def require_complete(policy: Mapping[str, Proof] = POLICY, services: Iterable[ServiceDescriptor] = (SERVICE,)) -> None:
    """Raises Denied when a method has no row: such a server must not start."""
    methods = [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]
    without = [method for method in methods if method not in policy]
    if without:
        raise Denied(f"no policy says who may call {', '.join(without)}; the server does not start without one")


def authorise(method: str, proof: Proof, policy: Mapping[str, Proof] = POLICY) -> None:
    """Raises Denied unless the row of exactly this method allows this proof."""
    needed = policy.get(method)
    if needed is None:
        raise Denied(f"{method} is not for calling")
    if proof < needed:
        raise Denied(f"{method} needs a client certificate that this server's CA signed")
