"""The records of the store: a revision with its three trees, and the audit chain; as JSON, canonical. Pure.

JSON because people read these in an emergency with `etcdctl get`; every record says its format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.errors import Finding
from snapshots.store.chain import sealed, verify_chain
from snapshots.store.codec import Damaged, Digest
from snapshots.store.protocol import AuditRecord, Revision
from snapshots.store.record_form import RECORD_FORMAT, fields_of, json_bytes, json_object


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
        return json_bytes({"format": RECORD_FORMAT, **fields_of(self), "revision": fields_of(self.revision)})

    @classmethod
    def decode(cls, data: bytes) -> RevisionRecord:
        """Raises Damaged for what `encode` did not write."""
        return cls.fromjson_bytes(json_object(data))

    @classmethod
    def fromjson_bytes(cls, value: dict[str, Any]) -> RevisionRecord:
        try:
            return cls(Revision(**value["revision"]), value["origins"], value["documents"], value["audit"])
        except (KeyError, TypeError) as error:
            raise Damaged(f"a revision's record lacks or misnames a field: {error}") from error


@dataclass(frozen=True, slots=True)
class Target:
    """What a group should be serving: the whole record of its stable revision, so that one read is enough."""

    stable: RevisionRecord

    def encode(self) -> bytes:
        return json_bytes({"format": RECORD_FORMAT, "stable": json.loads(self.stable.encode())})

    @classmethod
    def decode(cls, data: bytes) -> Target:
        """Raises Damaged."""
        value = json_object(data)
        if "stable" not in value:
            raise Damaged("a target without a stable revision")
        return cls(RevisionRecord.fromjson_bytes(value["stable"]))


def encode_audit(record: AuditRecord) -> bytes:
    return json_bytes({"format": RECORD_FORMAT, **fields_of(record)})


def decode_audit(data: bytes) -> AuditRecord:
    """Raises Damaged."""
    value = json_object(data)
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
    return sealed(record)


def verify_audit(records: Sequence[AuditRecord]) -> tuple[Finding, ...]:
    """What is wrong with a group's records (in any order): edited, missing or out of the chain. Empty is good.

    A chain cut off at its end looks whole from the records alone: compare the newest with the group's head.
    """
    return verify_chain(records, "".join(f'group "{record.group}"' for record in records[:1]))
