"""The management listener with TLS: who shows no certificate of the CA is turned away, and files can be replaced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from api.envoy.registry import load_default
from api.errors import InvalidConfig, ServerUnreachable
from api.management.client import ManagementClient
from api.management.connection import ClientTls
from snapshots.store.memory import MemoryStore
from xds.server.assembly import assemble
from xds.server.settings import load_settings


@dataclass(frozen=True)
class Site:
    """A server that asks for certificates, and the files around it."""

    directory: Path
    ca: trustme.CA
    address: str

    def client(self, ca: trustme.CA | None) -> ManagementClient:
        """A client with a certificate of `ca`, or with none."""
        if ca is None:
            return ManagementClient(self.address, 60, tls=ClientTls(self.directory / "ca.pem"))
        issue(ca, self.directory, "client")
        files = self.directory / "client.pem", self.directory / "client.key"
        return ManagementClient(self.address, 60, tls=ClientTls(self.directory / "ca.pem", *files))


def issue(ca: trustme.CA, directory: Path, name: str) -> None:
    certificate = ca.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(directory / f"{name}.key")
    (directory / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    issue(ca, tmp_path, "server")
    flags = {
        "memory": True,
        "management_address": "127.0.0.1:0",
        "management_cert": tmp_path / "server.pem",
        "management_key": tmp_path / "server.key",
        "management_client_ca": tmp_path / "ca.pem",
    }
    parts = assemble(load_settings(flags=flags), MemoryStore(time.time), load_default())
    await parts.management.start()
    yield Site(tmp_path, ca, parts.management.address)
    await parts.management.stop(0)


async def test_a_certificate_of_the_ca_lets_in(site: Site) -> None:
    async with site.client(site.ca) as client:
        assert (await client.get_status()).management_address == site.address


async def test_without_a_certificate_nothing_is_answered(site: Site) -> None:
    async with site.client(None) as client:
        with pytest.raises(ServerUnreachable, match="is it the right CA"):
            await client.get_status()


async def test_a_certificate_of_somebody_else_is_turned_away(site: Site) -> None:
    async with site.client(trustme.CA()) as client:
        with pytest.raises(ServerUnreachable):
            await client.get_status()


async def test_plaintext_to_a_tls_listener_is_told_as_what_it_is(site: Site) -> None:
    async with ManagementClient(site.address, 60) as client:
        with pytest.raises(ServerUnreachable, match="TLS"):
            await client.get_status()


async def test_replaced_files_are_used_for_new_connections(site: Site) -> None:
    newer = trustme.CA()
    async with site.client(site.ca) as before:
        await before.get_status()
        newer.cert_pem.write_to_path(site.directory / "ca.pem")
        issue(newer, site.directory, "server")

        async with site.client(newer) as client:
            assert await client.get_status()
        assert await before.get_status()  # an open connection stays


async def test_a_client_with_files_that_are_not_there_is_told_which(site: Site) -> None:
    with pytest.raises(InvalidConfig, match="nowhere"):
        ManagementClient(site.address, 60, tls=ClientTls(site.directory / "nowhere.pem"))


async def test_a_server_that_is_not_there_is_told_with_its_address_and_what_to_do() -> None:
    async with ManagementClient("127.0.0.1:1", 300) as client, asyncio.timeout(60):
        with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:1; start one with `fairlead dev`"):
            await client.get_status()
