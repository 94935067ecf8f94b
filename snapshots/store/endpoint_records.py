"""The records of endpoint sets: the set as it lies in etcd, and its audit record. Pure.

A set is a line of JSON, which says all but its body, and the body behind it: people can read the one, and the other is
stored as it is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from api.errors import Finding
from snapshots.store.chain import FIRST_IN_CHAIN, sealed, verify_chain
from snapshots.store.codec import Damaged, digest_of
from snapshots.store.endpoint_sets import EndpointAudit, EndpointSet, SetChange
from snapshots.store.record_form import RECORD_FORMAT, fields_of, json_bytes, json_object


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """A set, and the digest of the audit record of its version: the head of the chain."""

    endpoints: EndpointSet
    audit: str

    def encode(self) -> bytes:
        told = {name: value for name, value in fields_of(self.endpoints).items() if name != "body"}
        return json_bytes({"format": RECORD_FORMAT, "audit": self.audit, **told}) + b"\n" + self.endpoints.body

    @classmethod
    def decode(cls, data: bytes) -> EndpointRecord:
        """Raises Damaged for what `encode` did not write."""
        line, _, body = data.partition(b"\n")
        told = json_object(line)
        told.pop("format")
        try:
            return cls(audit=told.pop("audit"), endpoints=EndpointSet(body=body, **told))
        except (KeyError, TypeError) as error:
            raise Damaged(f"an endpoint set's record lacks or misnames a field: {error}") from error


def next_record(
    wanted: EndpointSet, changes: Sequence[SetChange], newest: EndpointRecord | None, now_s: float
) -> tuple[EndpointRecord, EndpointAudit]:
    """What is kept of `wanted` when it follows on `newest`."""
    audit = sealed(
        EndpointAudit(
            group=wanted.group,
            name=wanted.name,
            number=wanted.version,
            changes=tuple(changes) or (SetChange(wanted.author, wanted.message),),
            cleared=wanted.cleared,
            body=digest_of(wanted.body),
            created_at_s=now_s,
            previous=newest.audit if newest else FIRST_IN_CHAIN,
            digest="",
        )
    )
    return EndpointRecord(replace(wanted, created_s=now_s), audit.digest), audit


def encode_endpoint_audit(record: EndpointAudit) -> bytes:
    return json_bytes({"format": RECORD_FORMAT, **asdict(record)})


def decode_endpoint_audit(data: bytes) -> EndpointAudit:
    """Raises Damaged."""
    value = json_object(data)
    value.pop("format")
    try:
        changes = tuple(SetChange(**change) for change in value.pop("changes"))
        return EndpointAudit(changes=changes, **value)
    except (KeyError, TypeError) as error:
        raise Damaged(f"an endpoint set's audit record lacks or misnames a field: {error}") from error


def verify_endpoint_audit(records: Sequence[EndpointAudit]) -> tuple[Finding, ...]:
    """What is wrong with the records of one set, in any order. Empty is good; those no longer kept are not missed."""
    return verify_chain(records, "".join(f'endpoints "{each.name}" of group "{each.group}"' for each in records[:1]))
