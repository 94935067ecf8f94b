"""Who may speak to etcd: user and password with tokens that expire, TLS, and mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme

from api.errors import Denied, FairleadError, InvalidConfig, StoreUnavailable
from snapshots.store.etcd import rpc_pb2 as rpc
from snapshots.store.etcd import rpc_pb2_grpc as services
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.settings import EtcdSettings
from tests.etcds import Member, every_etcd, newest_etcd, running

pytestmark = pytest.mark.etcd
TOKEN_TTL_S = 1


@pytest.fixture(scope="module", params=every_etcd())
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """An etcd that asks for a user, whose tokens live for a second; see `require_users`."""
    options = [f"--auth-token-ttl={TOKEN_TTL_S}", "--bcrypt-cost=4"]
    with running(request.param, tmp_path_factory.mktemp("guarded"), options=options) as member:
        asyncio.run(require_users(member))
        yield member


async def require_users(member: Member) -> None:
    """root may do all, and `reader` may read below /allowed/."""
    async with EtcdClient(EtcdSettings((member.endpoint,))) as client:
        await client.put("/allowed/a", b"")  # returns when etcd is up
    async with grpc.aio.insecure_channel(f"127.0.0.1:{member.client_port}") as channel:
        auth = services.AuthStub(channel)
        for user, role in (("root", "root"), ("reader", "reader")):
            await auth.UserAdd(rpc.UserAddRequest(name=user, password=f"{user}-secret"))
            await auth.RoleAdd(rpc.RoleAddRequest(name=role))
            await auth.UserGrantRole(rpc.UserGrantRoleRequest(user=user, role=role))
        below = rpc.Permission(kind=rpc.Permission.READ, key=b"/allowed/", range_end=b"/allowed0")
        await auth.RoleGrantPermission(rpc.RoleGrantPermissionRequest(name="reader", permission=below))
        await auth.AuthEnable(rpc.AuthEnableRequest())


def as_user(member: Member, user: str = "root", **changes: object) -> EtcdSettings:
    settings = EtcdSettings((member.endpoint,), username=user, password=f"{user}-secret", timeout_s=30.0)
    return replace(settings, **changes)  # type: ignore[arg-type]


async def test_a_token_is_renewed_when_it_has_expired(guarded: Member) -> None:
    async with EtcdClient(as_user(guarded)) as client:
        await client.put("/a", b"1")
        await asyncio.sleep(TOKEN_TTL_S * 2.5)  # etcd sweeps expired tokens now and then; there is nothing to wait for
        await client.put("/a", b"2")
        item = await client.get("/a")

    assert item is not None
    assert item.value == b"2"


async def test_a_watch_outlives_its_token_and_a_restart(guarded: Member) -> None:
    async with EtcdClient(as_user(guarded)) as client:
        start = await client.put("/w/0", b"")
        async with asyncio.timeout(60), aclosing(client.watch("/w/", start_revision=start)) as watch:
            assert [event.item.key for event in (await anext(watch)).events] == ["/w/0"]
            guarded.restart()  # forgets all tokens
            await client.txn((), [], fenced=True)
            await client.put("/w/1", b"")
            assert [event.item.key for event in (await anext(watch)).events] == ["/w/1"]


async def test_a_wrong_password_is_denied_at_once(guarded: Member) -> None:
    async with EtcdClient(as_user(guarded, password="wrong")) as client:
        with pytest.raises(Denied, match="user name or password"):
            await client.get("/a")
        with pytest.raises(Denied, match="user name or password"):
            await first_of_watch(client, "/a")


async def test_no_user_where_one_is_needed_is_denied(guarded: Member) -> None:
    async with EtcdClient(EtcdSettings((guarded.endpoint,))) as client:
        with pytest.raises(Denied, match="asks for a user"):
            await client.get("/a")


async def test_a_user_without_the_right_is_denied_with_what_to_grant(guarded: Member) -> None:
    async with EtcdClient(as_user(guarded, "reader")) as client:
        assert await client.get("/allowed/a") is not None
        with pytest.raises(Denied, match="grant its role"):
            await client.put("/allowed/a", b"")
        with pytest.raises(Denied, match="grant its role"):
            await first_of_watch(client, "/forbidden/")


async def test_a_password_file_is_read_anew_when_a_token_is_needed(guarded: Member, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    async with EtcdClient(as_user(guarded, password="", password_file=secret)) as client:
        with pytest.raises(Denied):
            await client.get("/a")
        secret.write_text("root-secret\n")
        await client.get("/a")
        await client.put("/a", b"")

    async with EtcdClient(as_user(guarded, password="", password_file=tmp_path / "none")) as client:
        with pytest.raises(InvalidConfig, match="none cannot be read"):
            await client.get("/a")


async def test_a_user_is_no_hindrance_where_none_is_asked_for(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with EtcdClient(as_user(member)) as client:
            assert await client.put("/a", b"") > 0


async def first_of_watch(client: EtcdClient, prefix: str) -> None:
    async with asyncio.timeout(60), aclosing(client.watch(prefix, start_revision=0)) as watch:
        await anext(watch)


class Certificates:
    """A certificate authority's files: for the server, for a client, and of somebody else."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self.server = self._issue(authority, directory / "server")
        self.client = self._issue(authority, directory / "client")
        self.stranger_ca = directory / "stranger.pem"
        trustme.CA().cert_pem.write_to_path(str(self.stranger_ca))

    def _issue(self, authority: trustme.CA, path: Path) -> tuple[Path, Path]:
        issued = authority.issue_cert("127.0.0.1", "localhost")
        certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
        issued.private_key_pem.write_to_path(str(key))
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(str(certificate), append=number > 0)
        return certificate, key

    def options(self, *, mutual: bool) -> list[str]:
        certificate, key = self.server
        options = [f"--cert-file={certificate}", f"--key-file={key}"]
        return [*options, f"--trusted-ca-file={self.ca}", "--client-cert-auth=true"] if mutual else options


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def tls_etcd(binary: Path, directory: Path, certificates: Certificates, *, mutual: bool) -> AsyncIterator[Member]:
    """A member that is up and speaks TLS; `mutual`: only with those who have a certificate."""
    with running(binary, directory, options=certificates.options(mutual=mutual), scheme="https") as member:
        certificate, key = certificates.client
        settings = EtcdSettings((member.endpoint,), ca_file=certificates.ca, cert_file=certificate, key_file=key)
        async with EtcdClient(settings) as client:
            await client.put("/up", b"")
        yield member


@pytest.mark.parametrize("binary", every_etcd())
async def test_mutual_tls(binary: Path, tmp_path: Path, certificates: Certificates) -> None:
    certificate, key = certificates.client
    async with tls_etcd(binary, tmp_path, certificates, mutual=True) as member:
        settings = EtcdSettings((member.endpoint,), ca_file=certificates.ca)
        async with EtcdClient(replace(settings, cert_file=certificate, key_file=key)) as client:
            start = await client.put("/w/a", b"")
            async with asyncio.timeout(60), aclosing(client.watch("/w/", start_revision=start)) as watch:
                assert (await anext(watch)).revision == start

        async with EtcdClient(settings) as client:
            with pytest.raises(FairleadError, match="client certificate"):
                await client.get("/w/a")


async def test_tls_with_the_wrong_authority_or_without_tls(tmp_path: Path, certificates: Certificates) -> None:
    async with tls_etcd(newest_etcd(), tmp_path, certificates, mutual=False) as member:
        right = EtcdSettings((member.endpoint,), ca_file=certificates.ca)
        async with EtcdClient(right) as client:
            await client.put("/a", b"")
        async with EtcdClient(replace(right, ca_file=certificates.stranger_ca)) as client:
            with pytest.raises(StoreUnavailable, match=r"cannot be verified.*CA file"):
                await client.get("/a")
        plain = EtcdSettings((member.endpoint.replace("https", "http"),))
        async with EtcdClient(plain) as client:
            with pytest.raises(StoreUnavailable, match="TLS"):
                await client.get("/a")


def test_a_certificate_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"ca\.pem cannot be read"):
        EtcdClient(EtcdSettings(("https://127.0.0.1:1",), ca_file=tmp_path / "ca.pem"))
