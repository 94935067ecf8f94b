"""Audit records as a chain of hashes, whatever they record: sealing the newest, and finding what does not fit. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TypeVar

from api.errors import Finding
from snapshots import codes
from snapshots.store.endpoint_sets import EndpointAudit
from snapshots.store.protocol import AuditRecord
from snapshots.store.record_form import json_bytes

FIRST_IN_CHAIN = ""

Record = AuditRecord | EndpointAudit
_Record = TypeVar("_Record", AuditRecord, EndpointAudit)


def sealed(record: _Record) -> _Record:
    """The record with its digest."""
    return replace(record, digest=link_digest(record))


def link_digest(record: Record) -> str:
    """The SHA-256 of all its fields but `digest`; `previous` is among them, which makes the records a chain."""
    return hashlib.sha256(json_bytes({**asdict(record), "digest": ""})).hexdigest()


def verify_chain(records: Sequence[Record], owner: str) -> tuple[Finding, ...]:
    """What is wrong with the records of `owner` (in any order): edited, missing or out of the chain. Empty is good.

    A chain cut off at its end looks whole from the records alone: compare the newest with what its owner names.
    """
    chain = sorted(records, key=lambda record: record.number)
    edited = [
        _finding(codes.AUDIT_EDITED, record, owner, "was edited: its digest does not fit its fields")
        for record in chain
        if record.digest != link_digest(record)
    ]
    torn = [
        _finding(
            codes.AUDIT_BROKEN,
            later,
            owner,
            f"does not follow on record {earlier.number}: records are missing or replaced",
        )
        for earlier, later in pairwise(chain)
        if later.previous != earlier.digest or later.number != earlier.number + 1
    ]
    if chain and chain[0].number == 1 and chain[0].previous != FIRST_IN_CHAIN:
        torn.append(_finding(codes.AUDIT_BROKEN, chain[0], owner, "is the first and yet names one before it"))
    return (*edited, *torn)


def _finding(code: str, record: Record, owner: str, message: str) -> Finding:
    return Finding(code=code, message=f"audit record {record.number} of {owner} {message}")
