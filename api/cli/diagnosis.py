"""What `fairlead doctor` looks at: this installation, the server, its store. Each check says what it found, what to do.

No check raises for what it finds; an unreachable server is a finding too.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.connect import ask
from api.cli.contexts import Target, choose_target
from api.cli.messages import seconds_of, short_reason
from api.cli.shared import Invocation
from api.errors import FairleadError
from api.hosting.checks import Check, Verdict, clock_check

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

OLDEST_ETCD = (3, 4)
FULL, NEARLY_FULL = 0.95, 0.8
PORT_TIMEOUT_S = 1.0
DATA_DIRECTORY = Path(".fairlead")


def diagnose(invocation: Invocation) -> list[Check]:
    """All checks, this machine's first."""
    checks = [_descriptors(), _data_directory(_data_path())]
    target = choose_target(invocation.server, invocation.context)
    started_s = time.time()
    try:
        status = ask(invocation, _status)
    except FairleadError as error:
        return [*checks, Check("server", Verdict.BAD, error.message, _remedy_for_server(target))]
    # The server told its time about half-way between asking and hearing.
    skew_s = seconds_of(status.now) - (started_s + time.time()) / 2
    return [*checks, _server(status, target), clock_check(skew_s), *_ports(status), *store_checks(status.store)]


async def _status(client: ManagementClient) -> pb.Status:
    return await client.get_status()


def _descriptors() -> Check:
    from api.envoy.registry import EnvoyApi
    from xds.protocol.types import RESOURCE_TYPES

    started_s = time.perf_counter()
    try:
        api = EnvoyApi.load()
    except (FairleadError, OSError) as error:
        return Check(
            "descriptors", Verdict.BAD, str(error), "install fairlead anew, or run `make proto` in its sources"
        )
    unknown = [row.url for row in RESOURCE_TYPES if not api.knows(row.url)]
    if unknown:
        return Check("descriptors", Verdict.BAD, f"Envoy's API lacks {unknown[0]}", "install fairlead anew")
    return Check("descriptors", Verdict.GOOD, f"Envoy's API loads in {(time.perf_counter() - started_s) * 1000:.0f} ms")


def _data_path() -> Path:
    return Path(os.environ.get("FAIRLEAD_DATA_DIR") or DATA_DIRECTORY)


def _data_directory(path: Path) -> Check:
    """Whether `fairlead dev` could keep its data here; the nearest directory that exists decides."""
    absolute = path.absolute()
    nearest = next(place for place in (absolute, *absolute.parents) if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Check("data", Verdict.GOOD, f"{absolute} can be written")
    remedy = "`fairlead dev` needs another: give --data-dir, or run it where you may write"
    return Check("data", Verdict.DOUBTFUL, f"{nearest} cannot be written", remedy)


def _remedy_for_server(target: Target) -> str:
    return (
        f"is it running, and is {target.server} its management address? `fairlead dev` starts one here; "
        "--server, FAIRLEAD_SERVER or `fairlead context use` choose another"
    )


def _server(status: pb.Status, target: Target) -> Check:
    found = f"version {status.version} at {target.server}"
    if status.ready:
        return Check("server", Verdict.GOOD, f"{found}, ready")
    remedy = "it serves what it has loaded; see the store below, and the server's log"
    return Check("server", Verdict.BAD, f"{found}, not ready: {short_reason(status)}", remedy)


def _ports(status: pb.Status) -> Iterator[Check]:
    """Only ports that are told to be somewhere one can get to: a wildcard address says nothing of the way there."""
    addresses = {"xds port": status.xds_address, "http port": status.http_address}
    for name, address in addresses.items():
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if host in ("", "0.0.0.0", "::") or not port.isdigit():
            continue
        try:
            socket.create_connection((host, int(port)), PORT_TIMEOUT_S).close()
        except OSError as error:
            why = error.strerror or str(error)
            remedy = "is there a firewall, or is the address only the server machine's own?"
            yield Check(name, Verdict.DOUBTFUL, f"{address} cannot be reached from here: {why}", remedy)
        else:
            yield Check(name, Verdict.GOOD, f"{address} answers")


def store_checks(store: pb.StoreStatus) -> Iterator[Check]:
    """Whether it answers, is new enough, has room and raises no alarm."""
    if not store.reachable:
        remedy = "gateways keep what they have, nothing can be published: check etcd's endpoints, TLS and log"
        yield Check("store", Verdict.BAD, store.detail or "it does not answer", remedy)
        return
    if store.kind == "memory":
        remedy = "for anything to keep: run without --memory, or with --etcd"
        yield Check("store", Verdict.DOUBTFUL, "in memory: nothing survives a restart", remedy)
        return
    leader = f", leader {store.leader}" if store.leader else ""
    yield Check("store", Verdict.GOOD, f"{store.kind} at {', '.join(store.endpoints)}{leader}")
    if store.detail:
        remedy = "mend it while the others answer: without most of its members etcd takes nothing"
        yield Check("etcd members", Verdict.DOUBTFUL, store.detail, remedy)
    yield _version(store)
    yield from _space(store)
    for alarm in store.alarms:
        remedy = "make room (etcdctl compact, defrag, or a larger --quota-backend-bytes), then `etcdctl alarm disarm`"
        yield Check("alarm", Verdict.BAD, alarm, remedy if "NOSPACE" in alarm.upper() else "see etcd's log")


def _version(store: pb.StoreStatus) -> Check:
    parts = store.version.split(".")
    numbers = tuple(int(part) for part in parts[:2] if part.isdigit())
    if numbers >= OLDEST_ETCD:
        return Check("etcd version", Verdict.GOOD, store.version)
    oldest = ".".join(map(str, OLDEST_ETCD))
    return Check("etcd version", Verdict.BAD, store.version or "unknown", f"upgrade etcd to {oldest} or newer")


def _space(store: pb.StoreStatus) -> Iterator[Check]:
    if not store.quota_bytes:
        return
    share = store.db_size_bytes / store.quota_bytes
    found = f"{store.db_size_bytes / 2**20:.1f} MiB of {store.quota_bytes / 2**20:.0f} MiB ({share:.0%})"
    verdict = Verdict.BAD if share > FULL else Verdict.DOUBTFUL if share > NEARLY_FULL else Verdict.GOOD
    remedy = "raise --quota-backend-bytes, or keep fewer revisions (gc_keep_revisions) and defragment"
    yield Check("etcd space", verdict, found, "" if verdict is Verdict.GOOD else remedy)
