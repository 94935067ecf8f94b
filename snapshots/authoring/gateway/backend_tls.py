"""BackendTLSPolicy: which backends are spoken to in TLS, whom to trust there, and which policies lose to others. Pure.

Source: Gateway API, "BackendTLSPolicy"; its conflicts are decided as GEP-713 says: the older first, then by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.authorities import authority
from snapshots.authoring.gateway.backend_faces import Backend
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.envoy import ADS, Messages
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.policies import PolicyTarget, SubjectAltName
from snapshots.authoring.kinds.table import FAIRLEAD_GROUP
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import BACKEND_INVALID, BACKEND_NOT_FOUND, CERTIFICATE_INVALID, POLICY_CONFLICT
from xds.protocol.resource import Resource

UPSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
SYSTEM = "System"
# Where Debian, Ubuntu, Alpine and Envoy's own images keep the authorities that the system trusts.
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_VALIDATION: Path = ("spec", "validation")
_TARGETS = (("", "Service"), (FAIRLEAD_GROUP, "Backend"))


@dataclass(frozen=True, slots=True)
class BackendTls:
    """What one policy comes to.

    `authorities`: PEM of whom it trusts. `unresolved`: a reference that leads nowhere. `invalid`: why no connection
    can be trusted by it, so that none is made. `conflicts`: targets at which another policy goes first, of `targets`.
    """

    policy: AuthoredObject
    authorities: bytes = b""
    unresolved: Complaint | None = None
    invalid: Complaint | None = None
    conflicts: tuple[Complaint, ...] = ()
    targets: int = 0

    @property
    def name(self) -> str:
        """What SDS calls its authorities."""
        return f"BackendTLSPolicy/{self.policy.namespace}/{self.policy.name}"


class PolicyTargetKey(NamedTuple):
    """A backend, and a Service's port by name (empty: all ports that have no policy of their own)."""

    backend: ObjectKey
    port_name: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy by itself: which of its targets are there, with their places among `targetRefs`."""

    tls: BackendTls
    targets: tuple[tuple[int, PolicyTargetKey], ...]
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class BackendPolicies:
    """The policies by what they target, those that go first first."""

    at: Callable[[PolicyTargetKey], Iterable[BackendTls]]

    def about(self, backend: ObjectKey, port_name: str) -> Iterator[BackendTls]:
        """All policies that target this port of a backend, whether they count or not."""
        for section in dict.fromkeys((port_name, "")):
            yield from self.at(PolicyTargetKey(backend, section))

    def of(self, backend: ObjectKey, port_name: str) -> BackendTls | None:
        """The policy that counts: one for just this port, or else one for all; None: no TLS."""
        return next(self.about(backend, port_name), None)


def policy_alone(world: World, known: Callable[[ObjectKey], Backend | None], policy: AuthoredObject) -> Policy:
    """A policy as if there were no other. `known`: what is known of a Service or Backend."""
    complaints = Complaints()
    targets = tuple(_targets(world, known, policy, complaints))
    tls = replace(_policy(world, policy, complaints), targets=len(targets))
    return Policy(tls, targets, tuple(complaints.found))


def policy_among(policy: Policy, policies: BackendPolicies) -> BackendTls:
    """The same policy, and where others go first."""
    return replace(policy.tls, conflicts=tuple(_conflicts(policy, policies)))


def _targets(
    world: World, known: Callable[[ObjectKey], Backend | None], policy: AuthoredObject, complaints: Complaints
) -> Iterator[tuple[int, PolicyTargetKey]]:
    for index, ref in enumerate(policy.model.spec.target_refs):
        key = ObjectKey(ref.kind, policy.namespace, ref.name)
        wrong = _target_problem(world, known(key), policy, ref, ("spec", "targetRefs", index))
        if wrong is None:
            yield index, PolicyTargetKey(key, ref.section_name or "")
        else:
            complaints.add(wrong)


def _target_problem(
    world: World, found: Backend | None, policy: AuthoredObject, ref: PolicyTarget, at: Path
) -> Complaint | None:
    if (ref.group, ref.kind) not in _TARGETS:
        text = f'a target of kind "{ref.kind}" (group "{ref.group}") is not supported'
        hint = f"use a Service, or a Backend of group {FAIRLEAD_GROUP}"
        return Complaint(policy, (*at, "kind"), BACKEND_INVALID, "Invalid", text, hint)
    if found is None:
        hint = did_you_mean(ref.name, world.names(ref.kind, policy.namespace))
        text = f'{ref.kind} "{ref.name}" not found'
        return Complaint(policy, (*at, "name"), BACKEND_NOT_FOUND, "TargetNotFound", text, hint)
    ports = [each.name for each in found.ports]
    if ref.section_name is not None and ref.section_name not in ports:
        text = f'{ref.kind} "{ref.name}" has no port of the name "{ref.section_name}"'
        hint = did_you_mean(ref.section_name, ports)
        return Complaint(policy, (*at, "sectionName"), BACKEND_NOT_FOUND, "TargetNotFound", text, hint)
    return None


def _conflicts(policy: Policy, policies: BackendPolicies) -> Iterator[Complaint]:
    own = policy.tls.policy
    for index, target in policy.targets:
        before = next(iter(policies.at(target))).policy
        if before.key != own.key:
            text = f"{before.key} has the same target and goes first"
            hint = "remove one of the two, or name different ports in sectionName"
            at: Path = ("spec", "targetRefs", index)
            yield Complaint(own, at, POLICY_CONFLICT, "Conflicted", text, hint)


def _policy(world: World, policy: AuthoredObject, complaints: Complaints) -> BackendTls:
    validation = policy.model.spec.validation
    known = validation.well_known_ca_certificates
    if known is not None:
        invalid = None
        if known != SYSTEM:
            text = f'the authorities "{known}" are not known'
            at: Path = (*_VALIDATION, "wellKnownCACertificates")
            invalid = complaints.add(
                Complaint(policy, at, CERTIFICATE_INVALID, "Invalid", text, f"write {SYSTEM}, or use caCertificateRefs")
            )
        return BackendTls(policy, b"", None, invalid)
    found = [
        authority(world, policy, ref, (*_VALIDATION, "caCertificateRefs", index))
        for index, ref in enumerate(validation.ca_certificate_refs)
    ]
    wrong = [complaints.add(each) for each in found if isinstance(each, Complaint)]
    trusted = b"\n".join(each for each in found if isinstance(each, bytes))
    unresolved = wrong[0] if wrong else None
    # Said once: the reference is what is to be mended.
    return BackendTls(policy, trusted, unresolved, None if trusted else unresolved)


def authorities_resource(messages: Messages, tls: BackendTls) -> Resource:
    """The xDS Secret with whom a policy trusts."""
    source: dict[str, Any] = {"inline_bytes": tls.authorities}
    if tls.policy.model.spec.validation.well_known_ca_certificates is not None:
        source = {"filename": SYSTEM_AUTHORITIES}
    return messages.resource(SECRET, {"name": tls.name, "validation_context": {"trusted_ca": source}})


def upstream_tls(messages: Messages, tls: BackendTls, alpn: str, client_certificate: str) -> dict[str, Any]:
    """The transport socket of a cluster that is spoken to as a policy says; `client_certificate`: SDS's name, or ""."""
    validation = tls.policy.model.spec.validation
    names = validation.subject_alt_names or (SubjectAltName(type="Hostname", hostname=validation.hostname),)
    combined = {
        "default_validation_context": {"match_typed_subject_alt_names": [_matcher(each) for each in names]},
        "validation_context_sds_secret_config": {"name": tls.name, "sds_config": ADS},
    }
    common: dict[str, Any] = {"combined_validation_context": combined, "alpn_protocols": [alpn] if alpn else []}
    if client_certificate:
        common["tls_certificate_sds_secret_configs"] = [{"name": client_certificate, "sds_config": ADS}]
    fields = {"sni": validation.hostname, "common_tls_context": common}
    return messages.extension("envoy.transport_sockets.tls", UPSTREAM_TLS, fields)


def _matcher(name: SubjectAltName) -> dict[str, Any]:
    if name.type == "URI":
        return {"san_type": "URI", "matcher": {"exact": name.uri}}
    assert name.hostname is not None
    if name.hostname.startswith("*."):
        return {"san_type": "DNS", "matcher": {"suffix": name.hostname[1:]}}
    return {"san_type": "DNS", "matcher": {"exact": name.hostname}}
