"""Certificates and authorities that listeners and policies refer to: usable, or why not. Pure.

Values are never shown: messages name objects and keys only.  Gateway API: "certificateRefs", "caCertificateRefs".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.references import SecretObjectReference
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import CERTIFICATE_INVALID, REFERENCE_NOT_PERMITTED
from xds.protocol.resource import Resource

CERTIFICATE_KEY, PRIVATE_KEY = "tls.crt", "tls.key"


@dataclass(slots=True)
class Certificates:
    """Resolves references to Secrets and remembers those used: only they become resources. `problem`: pair_problem."""

    world: World
    problem: Callable[[AuthoredObject], str]
    used: dict[str, AuthoredObject] = field(default_factory=dict)

    def resolve(self, owner: AuthoredObject, reference: SecretObjectReference, at: Path) -> str | Complaint:
        """The name of the xDS secret for a listener's certificate."""
        secret = self._find(owner, reference, at)
        if isinstance(secret, Complaint):
            return secret
        why = self.problem(secret)
        if why:
            return Complaint(owner, at, CERTIFICATE_INVALID, "InvalidCertificateRef", f"{secret.key} {why}")
        name = f"Secret/{secret.namespace}/{secret.name}"
        self.used[name] = secret
        return name

    def _find(self, owner: AuthoredObject, reference: SecretObjectReference, at: Path) -> AuthoredObject | Complaint:
        if (reference.group, reference.kind) != ("", "Secret"):
            text = f'a certificate of kind "{reference.kind}" is not supported'
            return Complaint(owner, (*at, "kind"), CERTIFICATE_INVALID, "InvalidCertificateRef", text, "use a Secret")
        namespace = reference.namespace or owner.namespace
        if not self.world.may_refer(owner, "", "Secret", namespace, reference.name):
            text = f"no ReferenceGrant allows to refer to Secret {namespace}/{reference.name}"
            hint = f"add a ReferenceGrant to namespace {namespace}"
            return Complaint(owner, (*at, "namespace"), REFERENCE_NOT_PERMITTED, "RefNotPermitted", text, hint)
        secret = self.world.get("Secret", namespace, reference.name)
        if secret is None:
            hint = did_you_mean(reference.name, self.world.names("Secret", namespace))
            text = f'Secret "{reference.name}" not found'
            return Complaint(owner, (*at, "name"), CERTIFICATE_INVALID, "InvalidCertificateRef", text, hint)
        return secret


def certificate_resource(messages: Messages, name: str, secret: AuthoredObject) -> Resource:
    """The xDS Secret of a certificate."""
    pair = {
        "certificate_chain": {"inline_bytes": _value(secret, CERTIFICATE_KEY)},
        "private_key": {"inline_bytes": _value(secret, PRIVATE_KEY)},
    }
    return messages.resource(
        "envoy.extensions.transport_sockets.tls.v3.Secret", {"name": name, "tls_certificate": pair}
    )


def _value(secret: AuthoredObject, key: str) -> bytes:
    """What a Secret holds under a key; empty when there is nothing readable."""
    text = secret.model.string_data.get(key)
    if text is not None:
        return str(text).encode()
    try:
        return base64.b64decode(secret.model.data.get(key, ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def pair_problem(secret: AuthoredObject) -> str:
    """Why a Secret is no certificate with its key; "" when it is."""
    for key in (CERTIFICATE_KEY, PRIVATE_KEY):
        if not _value(secret, key):
            return f"has no {key}"
    try:
        certificates = load_pem_x509_certificates(_value(secret, CERTIFICATE_KEY))
    except ValueError:
        return f"holds no PEM certificate under {CERTIFICATE_KEY}"
    try:
        private = load_pem_private_key(_value(secret, PRIVATE_KEY), None)
    except (ValueError, TypeError):
        return f"holds no PEM private key under {PRIVATE_KEY}"
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != certificates[0].public_key().public_bytes(*form):
        return "holds a key that does not belong to its certificate"
    return ""
