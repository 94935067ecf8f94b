"""The records of the store: a revision with its three trees, and the audit chain; as JSON, canonical. Pure.

JSON because people read these in an emergency with `etcdctl get`; every record says its format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from api.errors import Finding
from snapshots import codes
from snapshots.store.codec import Damaged, Digest
from snapshots.store.protocol import AuditRecord, Revision

RECORD_FORMAT = 1
FIRST_IN_CHAIN = ""


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """A revision, the roots of its trees (`revision.snapshot` is the content's), and its audit record's digest."""

    revision: Revision
    origins: Digest
    documents: Digest
    audit: str

    @property
    def content(self) -> Digest:
        return Digest(self.revision.snapshot)

    @property
    def roots(self) -> tuple[Digest, Digest, Digest]:
        return self.content, self.origins, self.documents

    def encode(self) -> bytes:
        return _json({"format": RECORD_FORMAT, **_fields(self), "revision": _fields(self.revision)})

    @classmethod
    def decode(cls, data: bytes) -> RevisionRecord:
        """Raises Damaged for what `encode` did not write."""
        return cls.from_json(_object(data))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RevisionRecord:
        try:
            return cls(Revision(**value["revision"]), value["origins"], value["documents"], value["audit"])
        except (KeyError, TypeError) as error:
            raise Damaged(f"a revision's record lacks or misnames a field: {error}") from error


@dataclass(frozen=True, slots=True)
class Target:
    """What a group should be serving: the whole record of its stable revision, so that one read is enough."""

    stable: RevisionRecord

    def encode(self) -> bytes:
        return _json({"format": RECORD_FORMAT, "stable": json.loads(self.stable.encode())})

    @classmethod
    def decode(cls, data: bytes) -> Target:
        """Raises Damaged."""
        value = _object(data)
        if "stable" not in value:
            raise Damaged("a target without a stable revision")
        return cls(RevisionRecord.from_json(value["stable"]))


def encode_audit(record: AuditRecord) -> bytes:
    return _json({"format": RECORD_FORMAT, **_fields(record)})


def decode_audit(data: bytes) -> AuditRecord:
    """Raises Damaged."""
    value = _object(data)
    value.pop("format")
    try:
        return AuditRecord(**value)
    except TypeError as error:
        raise Damaged(f"an audit record lacks or misnames a field: {error}") from error


def audit_of(revision: Revision, previous: str) -> AuditRecord:
    """The audit record of a change; `previous` is the digest of the group's newest so far."""
    rolled_back = revision.rolled_back_to
    record = AuditRecord(
        group=revision.group,
        number=revision.number,
        action="rollback" if rolled_back else "publish",
        author=revision.author,
        message=revision.message,
        source=f"revision {rolled_back}" if rolled_back else revision.source,
        created_at_s=revision.created_at_s,
        snapshot=revision.snapshot,
        previous=previous,
        digest="",
    )
    return AuditRecord(**{**_fields(record), "digest": audit_digest(record)})


def audit_digest(record: AuditRecord) -> str:
    """The SHA-256 of all its fields but `digest`; `previous` is among them, which makes the records a chain."""
    return hashlib.sha256(_json({**_fields(record), "digest": ""})).hexdigest()


def verify_audit(records: Sequence[AuditRecord]) -> tuple[Finding, ...]:
    """What is wrong with a group's records (in any order): edited, missing or out of the chain. Empty is good.

    A chain cut off at its end looks whole from the records alone: compare the newest with the group's head.
    """
    chain = sorted(records, key=lambda record: record.number)
    edited = [
        _audit_finding(codes.AUDIT_EDITED, record, "was edited: its digest does not fit its fields")
        for record in chain
        if record.digest != audit_digest(record)
    ]
    torn = [
        _audit_finding(
            codes.AUDIT_BROKEN, later, f"does not follow on record {earlier.number}: records are missing or replaced"
        )
        for earlier, later in pairwise(chain)
        if later.previous != earlier.digest or later.number != earlier.number + 1
    ]
    if chain and chain[0].number == 1 and chain[0].previous != FIRST_IN_CHAIN:
        torn.append(_audit_finding(codes.AUDIT_BROKEN, chain[0], "is the first and yet names one before it"))
    return (*edited, *torn)


def _audit_finding(code: str, record: AuditRecord, message: str) -> Finding:
    return Finding(code=code, message=f'audit record {record.number} of group "{record.group}" {message}')


def _fields(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are (`asdict` would copy all below)."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Damaged(f"a record is not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("format") != RECORD_FORMAT:
        raise Damaged(f"a record of another format; this version reads format {RECORD_FORMAT}")
    return value
