"""Authorities that references name: the PEM text of CA certificates, or why there is none. Pure.

Gateway API: "caCertificateRefs", of BackendTLSPolicy and of Gateways' client validation.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.x509 import load_pem_x509_certificates

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.complaints import Complaint
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.references import LocalObjectReference, ObjectReference
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import CERTIFICATE_INVALID, REFERENCE_NOT_PERMITTED

AUTHORITY_KEY = "ca.crt"
_KINDS = ("ConfigMap", "Secret")


def authority(
    world: World, owner: AuthoredObject, reference: LocalObjectReference | ObjectReference, at: Path
) -> bytes | Complaint:
    """The PEM certificates that a ConfigMap or Secret holds under `ca.crt`.

    The complaint's reason is InvalidKind, RefNotPermitted or InvalidCACertificateRef.
    """
    if reference.group != "" or reference.kind not in _KINDS:
        text = f'CA certificates of kind "{reference.kind}" (group "{reference.group}") are not supported'
        return Complaint(owner, (*at, "kind"), CERTIFICATE_INVALID, "InvalidKind", text, "use a ConfigMap or a Secret")
    there = reference.namespace if isinstance(reference, ObjectReference) else None
    namespace = there or owner.namespace
    if not world.may_refer(owner, "", reference.kind, namespace, reference.name):
        text = f"no ReferenceGrant allows to refer to {reference.kind} {namespace}/{reference.name}"
        hint = f"add a ReferenceGrant to namespace {namespace}"
        return Complaint(owner, (*at, "namespace"), REFERENCE_NOT_PERMITTED, "RefNotPermitted", text, hint)
    found = world.get(reference.kind, namespace, reference.name)
    if found is None:
        hint = did_you_mean(reference.name, world.names(reference.kind, namespace))
        return _invalid(owner, (*at, "name"), f'{reference.kind} "{reference.name}" not found', hint)
    pem = _value(found)
    why = _problem(pem)
    return _invalid(owner, at, f"{found.key} {why}") if why else pem


def _invalid(owner: AuthoredObject, at: Path, text: str, hint: str = "") -> Complaint:
    return Complaint(owner, at, CERTIFICATE_INVALID, "InvalidCACertificateRef", text, hint)


def _value(found: AuthoredObject) -> bytes:
    """What an object holds under `ca.crt`; empty when there is nothing readable."""
    is_secret = found.key.kind == "Secret"
    text = (found.model.string_data if is_secret else found.model.data).get(AUTHORITY_KEY)
    if text is not None:
        return str(text).encode()
    try:
        encoded = found.model.data if is_secret else found.model.binary_data
        return base64.b64decode(encoded.get(AUTHORITY_KEY, ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _problem(pem: bytes) -> str:
    """Why these are no CA certificates; "" when they are."""
    if not pem.strip():
        return f"has no {AUTHORITY_KEY}"
    try:
        load_pem_x509_certificates(pem)
    except ValueError:
        return f"holds no PEM certificate under {AUTHORITY_KEY}"
    return ""
