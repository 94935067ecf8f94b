"""The certificates that Gateways show to backends. Pure.  Gateway API: Gateway `spec.tls.backend`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from snapshots.authoring.gateway.certificates import Certificates
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.yaml_nodes import Path

CLIENT_CERTIFICATE: Path = ("spec", "tls", "backend", "clientCertificateRef")


def client_certificates(world: World, certificates: Certificates, complaints: Complaints) -> Mapping[ObjectKey, str]:
    """The xDS secret for each Gateway that shows one. Of one that cannot be used its backends hear nothing."""
    found: dict[ObjectKey, str] = {}
    for gateway in world.of("Gateway"):
        spec = gateway.model.spec
        if not world.is_ours(spec.gateway_class_name) or spec.tls is None or spec.tls.backend is None:
            continue
        reference = spec.tls.backend.client_certificate_ref
        if reference is None:
            continue
        name = certificates.resolve(gateway, reference, CLIENT_CERTIFICATE)
        if isinstance(name, Complaint):
            complaints.add(name if name.reason == "RefNotPermitted" else replace(name, reason=_REASON))
        else:
            found[gateway.key] = name
    return found


_REASON = "InvalidClientCertificateRef"
