"""The server around the streams: health, reflection, TLS that is reloaded, addresses, drain."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import grpc
import pytest
import trustme
from google.protobuf import descriptor_pb2
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from api.envoy.registry import load_default
from api.errors import Denied, InvalidConfig
from tests.clients import ADS, DeltaClient, names
from tests.edges import GROUP, EdgeForTests, a_cluster, an_edge, eventually
from xds.fleet import Fleet
from xds.protocol.requests import Node
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.identity import AuthContext
from xds.transport.server import XdsOptions, XdsServer
from xds.transport.tls import TlsFiles

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health_of(address: str, service: str = "") -> int:
    async with aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        reply = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30)
        return int(reply.status)


async def test_health_is_serving_only_while_ready() -> None:
    async with an_edge() as edge:
        for service in ("", ADS):
            assert await health_of(edge.address, service) == SERVING
        await edge.server.set_ready(False)
        for service in ("", ADS):
            assert await health_of(edge.address, service) == NOT_SERVING


async def test_health_of_a_server_that_just_started_is_not_serving() -> None:
    server = XdsServer(load_default(), Fleet())
    await server.start()
    try:
        assert await health_of(server.address) == NOT_SERVING
    finally:
        await server.drain(0)


async def test_reflection_describes_our_services_and_health() -> None:
    async with an_edge() as edge, aio.insecure_channel(edge.address) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = {service.name for service in (await call.read()).list_services_response.service}
        assert {ADS, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= listed
        for symbol in listed:
            await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
            described = (await call.read()).file_descriptor_response.file_descriptor_proto
            files = [descriptor_pb2.FileDescriptorProto.FromString(data) for data in described]
            assert symbol in {f"{file.package}.{service.name}" for file in files for service in file.service}
        call.cancel()


async def test_port_in_use_is_an_error_that_names_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InvalidConfig, match=f"cannot listen on {address}: address already in use"):
            await XdsServer(load_default(), Fleet(), XdsOptions(address)).start()


async def test_second_server_cannot_share_a_port() -> None:
    async with an_edge() as edge:
        with pytest.raises(InvalidConfig, match="already in use"):
            await XdsServer(load_default(), Fleet(), XdsOptions(edge.address)).start()


@pytest.mark.parametrize("address", ["127.0.0.1", "here", "127.0.0.1:http", ":18000", "127.0.0.1:99999", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidConfig, match="host:port"):
        XdsServer(load_default(), Fleet(), XdsOptions(address))


async def test_plaintext_off_loopback_is_refused_unless_allowed() -> None:
    with pytest.raises(InvalidConfig, match=r"plaintext.*other machines"):
        await XdsServer(load_default(), Fleet(), XdsOptions("0.0.0.0:0")).start()
    server = XdsServer(load_default(), Fleet(), XdsOptions("0.0.0.0:0", plaintext_off_loopback=True))
    await server.start()
    await server.drain(0)


class Files:
    """PEM files of a server, as an operator would replace them."""

    def __init__(self, directory: Path) -> None:
        self.ca = trustme.CA()
        self.tls = TlsFiles(directory / "cert.pem", directory / "key.pem", directory / "ca.pem")
        self.ca.cert_pem.write_to_path(directory / "ca.pem")
        self.renew(self.ca)

    def renew(self, ca: trustme.CA) -> None:
        issued = ca.issue_cert("localhost")
        self.tls.key.write_bytes(issued.private_key_pem.bytes())
        self.tls.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))

    def client(self, trusted: trustme.CA, issuer: trustme.CA | None = None) -> grpc.ChannelCredentials:
        if issuer is None:
            return grpc.ssl_channel_credentials(trusted.cert_pem.bytes())
        issued = issuer.issue_cert("edge-1")
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        return grpc.ssl_channel_credentials(trusted.cert_pem.bytes(), issued.private_key_pem.bytes(), chain)


async def reaches(edge: EdgeForTests, credentials: grpc.ChannelCredentials) -> bool:
    client = DeltaClient(edge.address, "prober", credentials=credentials, target_name="localhost")
    async with client:
        try:
            async with asyncio.timeout(60):
                await client.subscribe(CLUSTER)
                return bool(names(await client.next()))
        except (aio.AioRpcError, AssertionError, asyncio.InvalidStateError, TimeoutError):
            return False


async def test_certificates_are_reloaded_under_a_live_stream(tmp_path: Path) -> None:
    files = Files(tmp_path)
    other = trustme.CA()
    async with an_edge(XdsOptions(tls=files.tls)) as edge:
        edge.serve(a_cluster("one"))
        old = files.client(files.ca, files.ca)
        async with DeltaClient(edge.address, credentials=old, target_name="localhost") as live:
            await live.subscribe(CLUSTER)
            assert names(await live.next()) == ["one"]
            await live.ack(CLUSTER)

            files.renew(other)
            assert not await reaches(edge, old)
            assert await reaches(edge, files.client(other, files.ca))
            assert edge.observer.certificates == ["loaded"]

            edge.serve(a_cluster("one", "changed"))
            assert names(await live.next()) == ["one"]


async def test_files_that_do_not_fit_leave_the_old_certificates_in_use(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with an_edge(XdsOptions(tls=files.tls)) as edge:
        edge.serve(a_cluster("one"))
        files.tls.certificate.write_text("half a file")
        assert await reaches(edge, files.client(files.ca, files.ca))
        assert len(edge.observer.certificates) == 1
        assert "cannot be used together" in edge.observer.certificates[0]


async def test_client_without_a_certificate_of_our_ca_does_not_get_in(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with an_edge(XdsOptions(tls=files.tls)) as edge:
        edge.serve(a_cluster("one"))
        assert not await reaches(edge, files.client(files.ca))
        assert not await reaches(edge, files.client(files.ca, trustme.CA()))
        assert await reaches(edge, files.client(files.ca, files.ca))


async def test_tls_without_a_client_ca_asks_for_no_certificate(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with an_edge(XdsOptions(tls=TlsFiles(files.tls.certificate, files.tls.key))) as edge:
        edge.serve(a_cluster("one"))
        assert await reaches(edge, files.client(files.ca))


async def test_unusable_files_are_an_error_at_the_start_that_names_them(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.tls.key.write_bytes(trustme.CA().issue_cert("other").private_key_pem.bytes())
    with pytest.raises(InvalidConfig, match=r"key\.pem cannot be used together"):
        await XdsServer(load_default(), Fleet(), XdsOptions(tls=files.tls)).start()
    files.tls.key.unlink()
    with pytest.raises(InvalidConfig, match=r"key\.pem: No such file"):
        await XdsServer(load_default(), Fleet(), XdsOptions(tls=files.tls)).start()


async def test_identity_decides_the_group_and_may_refuse() -> None:
    def identify(node: Node, auth_context: AuthContext) -> GroupName:
        if node.id == "stranger":
            raise Denied("node 'stranger' is not known here")
        return GROUP

    async with an_edge(XdsOptions(identify=identify)) as edge:
        edge.serve(a_cluster("one"))
        async with DeltaClient(edge.address, "edge-1", cluster="whatever it says") as client:
            await client.subscribe(CLUSTER)
            assert names(await client.next()) == ["one"]
        async with DeltaClient(edge.address, "stranger") as client:
            await client.subscribe(CLUSTER)
            code, message = await client.status()
            assert (code.name, message) == ("PERMISSION_DENIED", "node 'stranger' is not known here")


async def test_drain_tells_health_first_and_ends_streams_in_small_numbers() -> None:
    async with an_edge() as edge, aio.insecure_channel(edge.address) as channel:
        edge.serve(a_cluster("one"))
        clients = [DeltaClient("", f"edge-{number}", channel=channel) for number in range(40)]
        for client in clients:
            await client.subscribe(CLUSTER)
            await client.next()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING

        started = time.monotonic()
        draining = asyncio.create_task(edge.server.drain(2.0))
        assert (await watch.read()).status == NOT_SERVING
        watch.cancel()
        assert edge.server.streams > 30
        await eventually(lambda: 5 < edge.server.streams < 35, "some streams are ended and some are not")
        await draining
        assert time.monotonic() - started > 0.5
        for client in clients:
            code, message = await client.status()
            assert (code.name, "connect again" in message) == ("UNAVAILABLE", True)
        for client in clients:
            await client.__aexit__(None, None, None)
        with pytest.raises(aio.AioRpcError):
            await health_of(edge.address)


async def test_drain_that_was_given_up_can_be_finished_at_once() -> None:
    async with an_edge() as edge, DeltaClient(edge.address) as one, DeltaClient(edge.address, "edge-2") as two:
        edge.serve(a_cluster("one"))
        for client in (one, two):
            await client.subscribe(CLUSTER)
            await client.next()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(edge.server.drain(60), 0.2)
        await asyncio.wait_for(edge.server.drain(0), 60)
        for client in (one, two):
            await client.status()
        with pytest.raises(aio.AioRpcError):
            await health_of(edge.address)


async def test_storm_of_connections_is_not_dropped() -> None:
    async with an_edge() as edge:
        edge.serve(a_cluster("one"))
        clients = [DeltaClient(edge.address, f"edge-{number}") for number in range(200)]
        await asyncio.gather(*(client.subscribe(CLUSTER) for client in clients))
        responses = await asyncio.gather(*(client.next() for client in clients))
        assert all(names(response) == ["one"] for response in responses)
        await asyncio.gather(*(client.__aexit__(None, None, None) for client in clients))
