"""Rule 33: nothing is served before the first state is loaded, and readiness says so.

A real server process, clients of both variants that come too early, and a real etcd that is not there yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.clients import ADS, DeltaClient, StateClient
from tests.edges import eventually
from tests.etcds import Member, newest_etcd, running
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import a_cluster_document, a_workspace
from xds.protocol.types import CLUSTER

pytestmark = pytest.mark.etcd

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PATIENCE_S = 30.0


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Member]:
    with running(newest_etcd(), tmp_path / "etcd") as member:
        yield member


@pytest.fixture
def server(tmp_path: Path, etcd: Member) -> Iterator[ServerProcess]:
    """It has served a group of one cluster, and ended. Its store is as it left it."""
    server = ServerProcess(tmp_path, f"--etcd={etcd.endpoint}", command="serve").start()
    documents = tmp_path / "documents"
    documents.mkdir()
    for document in (a_workspace(), a_cluster_document()):
        (documents / document.path).write_bytes(document.content)
    assert server.run("apply", str(documents)).code == 0
    server.stop()
    yield server
    server.stop()


@pytest.mark.parametrize("how", ["down", "silent"])
async def test_clients_hear_nothing_until_there_is_something_to_serve(
    etcd: Member, server: ServerProcess, how: str
) -> None:
    go_away, come_back = (etcd.kill, etcd.start) if how == "down" else (etcd.stop, etcd.go_on)
    go_away()
    server.launch()
    wait_for(lambda: server.ask("/readyz")[0] == 503, "the server to listen", PATIENCE_S)
    async with DeltaClient(server.xds, "early", "edge") as delta, StateClient(server.xds, "too-early", "edge") as state:
        for client in (delta, state):
            await client.subscribe(CLUSTER)
        for client in (delta, state):
            assert await client.hears_nothing(), "an empty state would wipe a running gateway"
        assert await health_of(server) == {NOT_SERVING}
        assert json.loads(server.ask("/readyz")[1])["reason"].startswith("the store has not answered yet")
        assert server.ask("/healthz")[0] == 200, "it lives, and is not to be restarted for this"

        come_back()

        for client in (delta, state):
            assert len((await client.next(PATIENCE_S)).resources) == 1
        await eventually(lambda: server.ask("/readyz")[0] == 200, "it says that it is ready", PATIENCE_S)
        assert await health_of(server) == {SERVING}


async def health_of(server: ServerProcess) -> set[int]:
    """What it says of itself as a whole and of ADS."""
    async with aio.insecure_channel(server.xds) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        requests = [health_pb2.HealthCheckRequest(service=service) for service in ("", ADS)]
        return {(await check(request, timeout=PATIENCE_S)).status for request in requests}
