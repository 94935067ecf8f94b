"""The record of a sync as it lies in etcd: canonical JSON, for people too. Pure."""

from __future__ import annotations

from dataclasses import asdict

from api.errors import Finding
from snapshots.store.codec import Damaged
from snapshots.store.record_form import RECORD_FORMAT, json_bytes, json_object
from snapshots.store.syncs import Sync, SyncOrders, SyncReport


def encode_sync(sync: Sync) -> bytes:
    return json_bytes({"format": RECORD_FORMAT, **asdict(sync)})


def decode_sync(data: bytes) -> Sync:
    """Raises Damaged for what `encode_sync` did not write."""
    told = json_object(data)
    told.pop("format")
    try:
        report, orders = told.pop("report"), told.pop("orders")
        findings = tuple(Finding(**each) for each in report.pop("findings"))
        return Sync(report=SyncReport(findings=findings, **report), orders=SyncOrders(**orders), **told)
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"a sync's record lacks or misnames a field: {error}") from error
