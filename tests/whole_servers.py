"""A whole server in this process, for tests: real gRPC on free loopback ports, the in-memory store, no signals."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from api.envoy.registry import load_default
from api.management.client import ManagementClient
from snapshots.model import Document
from snapshots.store.endpoint_sets import Store
from snapshots.store.memory import MemoryStore
from tests.clients import DeltaClient
from tests.forking import run_command
from tests.spine import ROOT, Done
from xds.server.assembly import Parts, assemble
from xds.server.settings import load_settings

PATIENCE_S = 60.0
ANYWHERE = "127.0.0.1:0"


@dataclass(frozen=True)
class WholeServer:
    """Its parts, a client of its management API, and the store that it follows."""

    parts: Parts
    client: ManagementClient
    store: Store

    def an_edge(self, node: str = "edge-1", group: str = "edge") -> DeltaClient:
        return DeltaClient(self.parts.addresses.xds, node, group)


@asynccontextmanager
async def whole_server(store: Store | None = None, **flags: object) -> AsyncIterator[WholeServer]:
    """Running and ready. `flags` are settings by name."""
    listeners = dict.fromkeys(("xds_address", "management_address", "http_address"), ANYWHERE)
    settings = load_settings(flags={**listeners, "memory": True, **flags})
    store = store or MemoryStore(time.time)
    parts = assemble(settings, store, load_default())
    async with AsyncExitStack() as stack:
        await parts.http.start()
        stack.push_async_callback(parts.http.stop)
        await parts.xds.start()
        stack.push_async_callback(parts.xds.drain, 0)
        await parts.management.start()
        stack.push_async_callback(parts.management.stop, 0)
        for following in (parts.endpoints.run(), parts.follower.run()):
            stack.push_async_callback(_cancelled, asyncio.create_task(following))
        async with asyncio.timeout(PATIENCE_S):
            await parts.follower.ready.wait()
        client = await stack.enter_async_context(ManagementClient(parts.addresses.management, PATIENCE_S))
        yield WholeServer(parts, client, store)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fails the test, naming it."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {PATIENCE_S} s in vain for {what}"
        await asyncio.sleep(0.01)


async def eventually(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Wait for what has to be asked for; fails the test, naming it, when it does not come in time."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while not await condition():
        assert loop.time() < until_s, f"waited {PATIENCE_S} s in vain for {what}"
        await asyncio.sleep(0.02)


async def publishes(server: WholeServer, *documents: Document) -> int:
    """All that the group has from now on; the revision."""
    answer = await server.client.publish([a_workspace(), *documents], author="a test", beyond_budgets=True)
    return int(answer.revision.number)


async def fairlead(server: WholeServer, *arguments: str) -> Done:
    """The command line of operators, as a process."""
    environment = {**os.environ, "FAIRLEAD_SERVER": server.parts.addresses.management, "NO_COLOR": "1"}
    return Done(*await asyncio.to_thread(run_command, arguments, environment, ROOT, timeout_s=PATIENCE_S))


def a_workspace(name: str = "shop", group: str = "edge") -> Document:
    text = f"apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec: {{group: {group}}}\n"
    return Document("fairlead.yaml", text.encode())


def a_cluster_document(name: str = "web", timeout: str = "1s", path: str = "") -> Document:
    """One Cluster resource, authored at line 5 of its spec."""
    text = (
        "apiVersion: fairlead.dev/v1\n"
        "kind: EnvoyResource\n"
        f"metadata: {{name: {name}-document}}\n"
        "spec:\n"
        '  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n'
        f"  name: {name}\n"
        f"  connect_timeout: {timeout}\n"
    )
    return Document(path or f"{name}.yaml", text.encode())


def an_eds_cluster_document(name: str = "carts", *endpoints: tuple[str, int], service: str = "") -> Document:
    """A cluster of type EDS and, if there are any, the endpoints that the configuration gives it."""
    envelope = "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {{name: {name}}}\nspec:\n"
    text = envelope.format(name=name) + (
        '  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n'
        f"  name: {name}\n"
        "  type: EDS\n"
        "  connect_timeout: 1s\n"
        "  eds_cluster_config:\n"
        "    eds_config: {resource_api_version: V3, ads: {}}\n" + (f"    service_name: {service}\n" if service else "")
    )
    if endpoints:
        text += (
            "---\n"
            + envelope.format(name=f"{name}-endpoints")
            + (
                '  "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment\n'
                f"  cluster_name: {service or name}\n"
                "  policy: {overprovisioning_factor: 150}\n"
                "  endpoints:\n"
                "  - lb_endpoints:\n"
            )
        )
        for address, port in endpoints:
            text += f"    - endpoint: {{address: {{socket_address: {{address: {address}, port_value: {port}}}}}}}\n"
    return Document(f"{name}.yaml", text.encode())
