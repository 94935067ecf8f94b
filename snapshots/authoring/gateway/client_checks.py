"""Which certificates clients must show to HTTPS listeners. Pure.  Gateway API: Gateway `spec.tls.frontend`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from snapshots.authoring.gateway.authorities import authority
from snapshots.authoring.gateway.bound import ClientCheck
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import ADS, Messages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.gateway import ClientValidation, FrontendTLS
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from xds.protocol.resource import Resource

SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
_FRONTEND: Path = ("spec", "tls", "frontend")
_ALL_PORTS = 0


@dataclass(slots=True)
class ClientChecks:
    """Works the checks out, each once, and remembers the authorities: only those that a listener uses."""

    world: World
    complaints: Complaints
    authorities: dict[str, tuple[AuthoredObject, bytes]] = field(default_factory=dict)
    _checks: dict[tuple[ObjectKey, int], ClientCheck | None] = field(default_factory=dict)

    def of(self, gateway: AuthoredObject, port: int) -> ClientCheck | None:
        """For HTTPS on a port of a Gateway; None: clients show nothing."""
        tls, at, its_port = _configuration(gateway, port)
        key = (gateway.key, its_port)
        if key not in self._checks:
            validation = tls.validation if tls else None
            self._checks[key] = None if validation is None else self._check(gateway, its_port, validation, at)
        return self._checks[key]

    def _check(self, gateway: AuthoredObject, port: int, validation: ClientValidation, at: Path) -> ClientCheck:
        found = list(self._resolved(gateway, validation, (*at, "validation", "caCertificateRefs")))
        wrong = tuple(self.complaints.add(each) for each in found if isinstance(each, Complaint))
        trusted = b"\n".join(each for each in found if isinstance(each, bytes))
        name = f"Gateway/{gateway.namespace}/{gateway.name}/clients" + (f":{port}" if port != _ALL_PORTS else "")
        if trusted:
            self.authorities[name] = (gateway, trusted)
        return ClientCheck(name if trusted else "", validation.mode == "AllowInsecureFallback", wrong)

    def _resolved(self, gateway: AuthoredObject, validation: ClientValidation, at: Path) -> Iterator[bytes | Complaint]:
        for index, reference in enumerate(validation.ca_certificate_refs):
            found = authority(self.world, gateway, reference, (*at, index))
            if isinstance(found, Complaint) and found.reason == "InvalidKind":
                yield replace(found, reason="InvalidCACertificateKind")
            else:
                yield found


def _configuration(gateway: AuthoredObject, port: int) -> tuple[FrontendTLS | None, Path, int]:
    """What counts for a port, where it stands, and its port: the port's own, or that of all ports."""
    frontend = gateway.model.spec.tls.frontend if gateway.model.spec.tls else None
    if frontend is None:
        return None, _FRONTEND, _ALL_PORTS
    for index, each in enumerate(frontend.per_port):
        if each.port == port:
            return each.tls, (*_FRONTEND, "perPort", index, "tls"), port
    return frontend.default, (*_FRONTEND, "default"), _ALL_PORTS


def is_insecure(gateway: AuthoredObject) -> bool:
    """Whether clients are served that could not prove who they are, though they are asked."""
    frontend = gateway.model.spec.tls.frontend if gateway.model.spec.tls else None
    if frontend is None:
        return False
    every = (frontend.default, *(each.tls for each in frontend.per_port))
    return any(each.validation and each.validation.mode == "AllowInsecureFallback" for each in every)


def authorities_resource(messages: Messages, name: str, pem: bytes) -> Resource:
    """The xDS Secret with whom a check trusts."""
    context = {"trusted_ca": {"inline_bytes": pem}}
    return messages.resource(SECRET, {"name": name, "validation_context": context})


def validation_fields(check: ClientCheck) -> dict[str, Any]:
    """Fields of a CommonTlsContext."""
    trust = {"trust_chain_verification": "ACCEPT_UNTRUSTED"} if check.optional else {}
    secret = {"name": check.authorities, "sds_config": ADS}
    combined = {"default_validation_context": trust, "validation_context_sds_secret_config": secret}
    return {"combined_validation_context": combined}
