"""What one changed resource writes to etcd, in a group of 1,000 and in one of 10,000: about the same.

Counted at the store's way into etcd (keys and values of all puts), and by etcd itself, which counts all it receives:
the reads' keys too. A bucket holds ten times as many neighbours in the large group; they compress well.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from api.envoy.registry import load_default
from bench.documents import cluster_document, cluster_documents
from bench.report import Report, percentile
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.kept_workspace import KeptWorkspace
from snapshots.model import Document
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.embedded import EmbeddedEtcd
from snapshots.store.etcd.model import Compare, Op, Put, TxnResult
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from snapshots.store.keys import Keys
from snapshots.store.protocol import Publication
from xds.protocol.types import GroupName

SMALL, LARGE = 1_000, 10_000
ROUNDS = 30
LIMIT_RATIO = 1.2
# The official name of etcd's own count of what its clients send it.
_RECEIVED = "etcd_network_client_grpc_received_bytes_total "


@dataclass(slots=True)
class Written:
    """Of one change: bytes of keys and values, how many blobs among them, how many transactions; etcd's own count."""

    bytes: int = 0
    blobs: int = 0
    transactions: int = 0
    received_bytes: float = 0.0


class CountingClient(EtcdClient):
    """An etcd client that adds up what it writes."""

    written = Written()

    async def txn(
        self, compare: Sequence[Compare], success: Sequence[Op], failure: Sequence[Op] = (), *, fenced: bool = False
    ) -> TxnResult:
        puts = [op for op in success if isinstance(op, Put)]
        self.written.transactions += 1
        self.written.blobs += sum(op.key.startswith(Keys().blobs) for op in puts)
        self.written.bytes += sum(len(op.key) + len(op.value) for op in puts)
        return await super().txn(compare, success, failure, fenced=fenced)


async def run(report: Report) -> None:
    medians = {}
    for resources in (SMALL, LARGE):
        with TemporaryDirectory(prefix="fairlead-bench-") as directory:
            changes = await _changes(Path(directory), resources)
        medians[resources] = written = percentile([change.bytes for change in changes], 50)
        received = percentile([change.received_bytes for change in changes], 50)
        report.figure(f"of_{resources}", written, "bytes written for one changed resource (median)")
        report.figure(f"of_{resources}.largest", max(change.bytes for change in changes), "bytes at most")
        report.figure(f"of_{resources}.received", received, "bytes that etcd received for it, reads included")
        report.figure(f"of_{resources}.blobs", max(change.blobs for change in changes), "blobs at most")
        report.figure(f"of_{resources}.transactions", max(change.transactions for change in changes), "transactions")
    report.figure("ratio", medians[LARGE] / medians[SMALL], "times the bytes in ten times the group", limit=LIMIT_RATIO)


async def _changes(directory: Path, resources: int) -> list[Written]:
    kept = KeptWorkspace(load_default())
    async with await EmbeddedEtcd.start(directory / "data") as etcd:
        client = CountingClient(EtcdSettings((etcd.endpoint,)))
        store = EtcdStore(client, time.time)
        try:
            documents = cluster_documents("cluster", resources)
            await store.publish(_publication(documents, "first", kept))
            changes = []
            for number in range(1, ROUNDS + 1):
                index = number * 31 % resources
                documents[index] = cluster_document(documents[index].path.removesuffix(".yaml"), number)
                changes.append(await _change(store, client, etcd, _publication(documents, f"change {number}", kept)))
            return changes
        finally:
            await store.close()


async def _change(store: EtcdStore, client: CountingClient, etcd: EmbeddedEtcd, publication: Publication) -> Written:
    client.written = Written()
    before = _received_bytes(etcd)
    await store.publish(publication)
    client.written.received_bytes = _received_bytes(etcd) - before
    return client.written


def _publication(documents: Sequence[Document], key: str, kept: KeptWorkspace) -> Publication:
    compiled = compile_documents(load_default(), documents, kept=kept)
    return Publication(GroupName("bench"), compiled.workspace, compiled.resources, tuple(documents), key)


def _received_bytes(etcd: EmbeddedEtcd) -> float:
    with urllib.request.urlopen(f"{etcd.endpoint}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return next(float(line.removeprefix(_RECEIVED)) for line in lines if line.startswith(_RECEIVED))
