"""BackendTLSPolicy: how backends are spoken to; ReferenceGrant: who may refer into a namespace. Gateway API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from snapshots.authoring.kinds.model import (
    GroupName,
    Hostname,
    KindName,
    Model,
    NamespaceName,
    ObjectName,
    PreciseHostname,
    SectionName,
    Wrong,
    Wrongs,
    duplicates,
)
from snapshots.authoring.kinds.references import LocalObjectReference

# `System`, or a name of somebody's own with a domain before it.
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_WELL_KNOWN = rf"^(System|{_LABEL}(\.{_LABEL})*/([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9])$"
# RFC 3986: a scheme, and something after it.
_ABSOLUTE_URI = r"^[a-zA-Z][a-zA-Z0-9+.-]*:.+$"


class PolicyTarget(Model, frozen=True, kw_only=True):
    group: GroupName
    kind: KindName
    name: ObjectName
    section_name: SectionName | None = None


class SubjectAltName(Model, frozen=True, kw_only=True):
    type: Literal["Hostname", "URI"]
    hostname: Hostname | None = None
    uri: Annotated[str, Meta(min_length=1, max_length=253, pattern=_ABSOLUTE_URI)] | None = None


class BackendValidation(Model, frozen=True, kw_only=True):
    hostname: PreciseHostname
    ca_certificate_refs: Annotated[tuple[LocalObjectReference, ...], Meta(max_length=8)] = field(
        name="caCertificateRefs", default=()
    )
    well_known_ca_certificates: Annotated[str, Meta(min_length=1, max_length=253, pattern=_WELL_KNOWN)] | None = field(
        name="wellKnownCACertificates", default=None
    )
    subject_alt_names: Annotated[tuple[SubjectAltName, ...], Meta(max_length=5)] = ()


class BackendTLSPolicySpec(Model, frozen=True, kw_only=True):
    target_refs: Annotated[tuple[PolicyTarget, ...], Meta(min_length=1, max_length=16)]
    validation: BackendValidation
    options: dict[str, str] = field(default_factory=dict)


class BackendTLSPolicy(Model, frozen=True, kw_only=True):
    spec: BackendTLSPolicySpec


class GrantFrom(Model, frozen=True, kw_only=True):
    group: GroupName
    kind: KindName
    namespace: NamespaceName


class GrantTo(Model, frozen=True, kw_only=True):
    group: GroupName
    kind: KindName
    name: ObjectName | None = None


class ReferenceGrantSpec(Model, frozen=True, kw_only=True):
    from_: Annotated[tuple[GrantFrom, ...], Meta(min_length=1, max_length=16)] = field(name="from")
    to: Annotated[tuple[GrantTo, ...], Meta(min_length=1, max_length=16)]


class ReferenceGrant(Model, frozen=True, kw_only=True):
    spec: ReferenceGrantSpec


def check_backend_tls_policy(policy: BackendTLSPolicy) -> Wrongs:
    """What several fields must agree on."""
    validation, at = policy.spec.validation, ("spec", "validation")
    if validation.ca_certificate_refs and validation.well_known_ca_certificates:
        text = "caCertificateRefs and wellKnownCACertificates say the same"
        yield Wrong((*at, "wellKnownCACertificates"), text, "keep one of them")
    if not validation.ca_certificate_refs and not validation.well_known_ca_certificates:
        yield Wrong(at, "nothing says whom to trust", "add caCertificateRefs, or wellKnownCACertificates: System")
    for index, name in enumerate(validation.subject_alt_names):
        if (name.hostname is None) == (name.type == "Hostname") or (name.uri is None) == (name.type == "URI"):
            text = f"a subjectAltName of type {name.type} has {name.type.lower()} and nothing else"
            yield Wrong((*at, "subjectAltNames", index), text)
    yield from _targets(policy.spec.target_refs)


def _targets(targets: tuple[PolicyTarget, ...]) -> Wrongs:
    """One target stands once as a whole, or once for each of its ports."""
    for index, before in duplicates(list(targets)):
        yield Wrong(("spec", "targetRefs", index), f"the same target as targetRefs[{before}]", "remove one of the two")
    whole = {(each.group, each.kind, each.name) for each in targets if each.section_name is None}
    for index, each in enumerate(targets):
        if each.section_name is not None and (each.group, each.kind, each.name) in whole:
            text = f'{each.kind} "{each.name}" is a target as a whole already'
            yield Wrong(("spec", "targetRefs", index, "sectionName"), text, "name its ports everywhere, or nowhere")
