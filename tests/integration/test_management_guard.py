"""The edge of every call: errors arrive as what they are, defects as an id, and health and reflection answer."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from api.errors import FairleadError, StoreUnavailable
from api.management import service
from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from api.telemetry import logs, metrics
from snapshots.store.etcd.ports import free_port
from snapshots.store.memory import MemoryStore
from snapshots.store.protocol import Publication, Published, StoreStatus
from tests.whole_servers import a_cluster_document, a_workspace, whole_server

DOCUMENTS = (a_workspace(), a_cluster_document("web"))


class FailingStore(MemoryStore):
    """Publishing fails with what it is given."""

    def __init__(self, error: Exception) -> None:
        super().__init__(time.time)
        self.error = error
        self.publications = 0

    async def publish(self, publication: Publication) -> Published:
        self.publications += 1
        raise self.error


class SilentStore(MemoryStore):
    """Does not say how it is."""

    async def status(self) -> StoreStatus:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets the event")


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure("info", "json")
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_a_store_that_is_away_is_told_once_and_in_its_words() -> None:
    store = FailingStore(StoreUnavailable("etcd has no leader; try again"))
    async with whole_server(store) as server:
        with pytest.raises(StoreUnavailable, match="etcd has no leader"):
            await server.client.publish(DOCUMENTS)

    assert store.publications == 1


async def test_reads_and_publishes_outlast_a_server_that_starts_again() -> None:
    store, address = MemoryStore(time.time), f"127.0.0.1:{free_port()}"
    async with whole_server(store) as server:
        await server.client.publish(DOCUMENTS)
    async with ManagementClient(address, 60) as client, asyncio.timeout(60):
        other = (a_workspace("other", "elsewhere"), a_cluster_document("web"))
        calls = asyncio.gather(client.list_revisions("edge"), client.get_snapshot("edge"), client.publish(other))
        await asyncio.sleep(0.15)  # the first attempts find nobody
        async with whole_server(store, management_address=address):
            revisions, (revision, resources), published = await calls

    assert [one.number for one in revisions] == [1]
    assert (revision.number, len(resources)) == (1, 1)
    assert published.created


async def test_a_defect_is_an_id_for_the_caller_and_a_traceback_in_the_log(
    logged: pytest.CaptureFixture[str],
) -> None:
    async with whole_server(FailingStore(ValueError("secret inside"))) as server:
        with pytest.raises(FairleadError) as told:
            await server.client.publish(DOCUMENTS)

    assert type(told.value) is FairleadError
    assert "secret inside" not in told.value.message
    lines = [json.loads(line) for line in logged.readouterr().err.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] == "internal error"]
    assert line["reference"] in told.value.message
    assert "ValueError: secret inside" in line["exception"]


async def test_calls_are_counted_by_method_and_status() -> None:
    metrics.start()
    try:
        async with whole_server() as server:
            await server.client.publish(DOCUMENTS)
            with pytest.raises(FairleadError):
                await server.client.get_revision("nowhere")
        text = metrics.prometheus_text()[0].decode()
    finally:
        metrics.stop()

    assert 'fairlead_management_call_duration_seconds_count{method="Publish",status="OK"} 1.0' in text
    assert 'fairlead_management_call_duration_seconds_count{method="GetRevision",status="NOT_FOUND"} 1.0' in text


async def test_status_answers_while_the_store_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "STORE_PATIENCE_S", 0.1)
    async with whole_server(SilentStore(time.time)) as server:
        status = await server.client.get_status()

    assert (status.store.kind, status.store.reachable) == ("memory", False)
    assert status.store.detail


async def test_health_is_told_to_everybody_and_follows_readiness() -> None:
    async with whole_server() as server, aio.insecure_channel(server.parts.addresses.management) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        request = health_pb2.HealthCheckRequest(service="fairlead.management.v1.Management")
        before = await check(request)
        await server.parts.management.set_ready(True)
        after = await check(request)

    assert before.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert after.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_service() -> None:
    async with whole_server() as server, aio.insecure_channel(server.parts.addresses.management) as channel:
        ask = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        call = ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answer = await call.read()
        call.cancel()

    assert "fairlead.management.v1.Management" in {service.name for service in answer.list_services_response.service}


async def test_a_method_that_does_not_exist_is_not_implemented() -> None:
    async with whole_server() as server, aio.insecure_channel(server.parts.addresses.management) as channel:
        call = channel.unary_unary(
            "/fairlead.management.v1.Management/Drop", request_serializer=pb.GetStatusRequest.SerializeToString
        )
        with pytest.raises(aio.AioRpcError) as refused:
            await call(pb.GetStatusRequest())

    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
