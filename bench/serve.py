"""A Fairlead xDS server as a child: the edge, its follower and a store in memory, which is published to by order.

Orders: `fill` (so many clusters, so many bytes each), `change` (one of them; answers with when it was published, on
the clock that all processes of this machine share), `counts` (nodes by where they stand), `streams` (those open).
"""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import count

import uvloop

from api.envoy.registry import load_default
from bench.children import Answer, obey
from bench.report import allow_many_files
from snapshots.model import CompiledResource, Origin, WorkspaceName
from snapshots.store.memory import MemoryStore
from snapshots.store.protocol import Publication
from xds.fleet import Fleet
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName
from xds.server.follow import Follower
from xds.server.observer import SilentServerObserver
from xds.transport.server import XdsServer

GROUP = GroupName("bench")
WORKSPACE = WorkspaceName("default")


class BenchServer(SilentServerObserver):
    """The parts of a server, and what it serves."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.server = XdsServer(load_default(), self.fleet)
        self.store = MemoryStore(time.time)
        self.follower = Follower(self.store, self.server.groups, self.fleet, self)
        self._loaded = asyncio.Event()
        self._resources: list[CompiledResource] = []
        self._size_bytes = 0
        self._revisions = count(1)

    async def fill(self, resources: int, size_bytes: int) -> Answer:
        self._size_bytes = size_bytes
        self._resources = [_compiled(f"cluster-{number:06}", "", size_bytes) for number in range(resources)]
        await self._publish()
        await self._loaded.wait()
        gc.collect()
        gc.freeze()
        return {"address": self.server.address}

    async def change(self, number: int) -> Answer:
        name = self._resources[number].resource.name
        self._resources[number] = _compiled(name, f"note {next(self._revisions)}", self._size_bytes)
        published_at_s = time.monotonic()
        await self._publish()
        return {"published_at_s": published_at_s}

    def group_moved(self, group: GroupName, revision: int, changed: int, streams: int) -> None:
        self._loaded.set()

    async def counts(self) -> Answer:
        counts = self.fleet.counts(GROUP)
        return {"current": counts.current, "behind": counts.behind, "total": counts.total}

    async def streams(self) -> Answer:
        return {"open": self.server.streams}

    async def _publish(self) -> None:
        key = f"key {time.monotonic_ns()}"
        await self.store.publish(Publication(GROUP, WORKSPACE, tuple(self._resources), (), key))


def _compiled(name: str, note: str, size_bytes: int) -> CompiledResource:
    """A Cluster of about `size_bytes`: its name (field 1) and its alt_stat_name (field 28), by hand."""
    filler = (note + "." * size_bytes)[:size_bytes].encode()
    message = load_default().new("envoy.config.cluster.v3.Cluster")
    message.name, message.alt_stat_name = name, filler.decode()  # type: ignore[attr-defined]
    resource = Resource.of(CLUSTER, name, message.SerializeToString(deterministic=True))
    return CompiledResource(resource, Origin(WORKSPACE, "bench.yaml", 1, 1, "EnvoyResource", name))


async def main() -> None:
    allow_many_files()
    bench = BenchServer()
    await bench.server.start()
    follower = asyncio.create_task(bench.follower.run())
    try:
        await obey({"fill": bench.fill, "change": bench.change, "counts": bench.counts, "streams": bench.streams})
    finally:
        follower.cancel()
        await bench.server.drain(0)


if __name__ == "__main__":
    uvloop.run(main())
