"""The client when etcd is killed, stopped, cut off, led by nobody, full or too old: nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio
import pytest

from api.errors import FairleadError, StoreUnavailable
from snapshots.store.etcd import rpc_pb2, rpc_pb2_grpc
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import absent, put
from snapshots.store.etcd.ports import free_port
from snapshots.store.etcd.settings import EtcdSettings
from tests.etcds import Cluster, Member, cluster, every_etcd, newest_etcd, oldest_and_newest_etcd, running
from tests.proxy import Proxy

T = TypeVar("T")
pytestmark = pytest.mark.etcd
MIB = 1024 * 1024


class Watcher:
    """Collects what a watch delivers; `error` is what ended it."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.error: FairleadError | None = None
        self._news = asyncio.Condition()

    async def follow(self, client: EtcdClient, prefix: str, start_revision: int) -> None:
        try:
            async with aclosing(client.watch(prefix, start_revision=start_revision)) as watch:
                async for batch in watch:
                    async with self._news:
                        self.keys += [event.item.key for event in batch.events]
                        self._news.notify_all()
        except FairleadError as error:
            async with self._news:
                self.error = error
                self._news.notify_all()

    async def until(self, condition: Callable[[], bool], within_s: float = 60.0) -> None:
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(condition)

    async def has(self, key: str) -> None:
        await self.until(lambda: key in self.keys)

    async def has_ended(self) -> FairleadError:
        await self.until(lambda: self.error is not None)
        assert self.error is not None
        return self.error


@asynccontextmanager
async def watching(client: EtcdClient, prefix: str, start_revision: int) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    task = asyncio.create_task(watcher.follow(client, prefix, start_revision))
    try:
        yield watcher
    finally:
        task.cancel()
        await asyncio.wait({task})


async def succeeds(attempt: Callable[[], Awaitable[T]], within_s: float = 60) -> T:
    """Tries until it does, as a cluster that has just been started needs; anything but StoreUnavailable is raised."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                return await attempt()
            except StoreUnavailable:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("binary", every_etcd())
async def test_a_watch_misses_nothing_while_etcd_is_killed_and_restarted(binary: Path, tmp_path: Path) -> None:
    with running(binary, tmp_path) as member:
        async with EtcdClient(EtcdSettings((member.endpoint,))) as client:
            start = await succeeds(lambda: client.put("/w/0", b""))
            async with watching(client, "/w/", start) as watcher:
                await watcher.has("/w/0")
                for number in range(1, 7):
                    if number % 2:
                        member.restart()
                    await client.txn([absent(f"/w/{number}")], [put(f"/w/{number}", b"")], fenced=True)

                await watcher.has("/w/6")
                assert watcher.keys == [f"/w/{number}" for number in range(7)]


async def test_a_dead_etcd_is_an_error_that_says_where(tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    async with EtcdClient(EtcdSettings((endpoint,), timeout_s=1.0)) as client:
        with pytest.raises(StoreUnavailable, match=f"get /a: etcd at {endpoint} is not reachable .*refused.*running"):
            await client.get("/a")
        (status,) = await client.status()
        assert "refused" in status.problem


async def test_a_stopped_etcd_runs_into_the_deadline_and_heals_when_it_goes_on(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        settings = EtcdSettings((member.endpoint,), timeout_s=1.5, watch_idle_s=0.5)
        async with EtcdClient(EtcdSettings((member.endpoint,))) as patient, EtcdClient(settings) as client:
            start = await patient.put("/w/0", b"")
            async with watching(client, "/w/", start) as watcher:
                await watcher.has("/w/0")
                member.stop()

                with pytest.raises(StoreUnavailable, match=r"did not answer in time"):
                    await client.get("/w/0")
                with pytest.raises(StoreUnavailable, match=r"did not answer in time"):
                    await client.put("/w/lost", b"")

                member.go_on()
                await succeeds(lambda: client.put("/w/1", b""))
                await watcher.has("/w/1")


@pytest.mark.parametrize("binary", oldest_and_newest_etcd())
async def test_with_the_leader_killed_writes_and_watches_go_on(binary: Path, tmp_path: Path) -> None:
    with cluster(binary, tmp_path) as etcd:
        async with EtcdClient(etcd.settings(timeout_s=30.0)) as client:
            start = await succeeds(lambda: client.put("/w/0", b""))
            async with watching(client, "/w/", start) as watcher:
                await watcher.has("/w/0")
                (await leader_of(etcd, client)).kill()

                for number in range(1, 6):
                    await client.txn([absent(f"/w/{number}")], [put(f"/w/{number}", b"")], fenced=True)

                await watcher.has("/w/5")
                assert watcher.keys == [f"/w/{number}" for number in range(6)]


async def leader_of(etcd: Cluster, client: EtcdClient) -> Member:
    statuses = await client.status()
    leader = next(status.leader for status in statuses if status.leader)
    return next(member for member, status in zip(etcd.members, statuses, strict=True) if status.member == leader)


async def test_a_stopped_member_is_left_for_another_by_calls_and_watches(tmp_path: Path) -> None:
    with cluster(newest_etcd(), tmp_path) as etcd:
        async with EtcdClient(etcd.settings(timeout_s=6.0, watch_idle_s=1.0)) as client:
            start = await succeeds(lambda: client.put("/w/0", b""))
            async with watching(client, "/w/", start) as watcher:
                await watcher.has("/w/0")
                etcd.members[0].stop()  # the one that is spoken to

                await client.txn([absent("/w/1")], [put("/w/1", b"")], fenced=True)
                await watcher.has("/w/1")
                statuses = await client.status()

                assert [bool(status.problem) for status in statuses] == [True, False, False]
                etcd.members[0].go_on()


async def test_a_member_without_its_majority_says_that_there_is_no_leader(tmp_path: Path) -> None:
    with cluster(newest_etcd(), tmp_path) as etcd:
        alone = etcd.members[2]
        async with EtcdClient(EtcdSettings((alone.endpoint,), timeout_s=3.0)) as client:
            await succeeds(lambda: client.put("/a", b""))
            for member in etcd.members[:2]:
                member.kill()

            with pytest.raises(StoreUnavailable, match="no leader"):
                await until_it_knows(lambda: client.get("/a"))

            for member in etcd.members[:2]:
                member.start()
            await succeeds(lambda: client.put("/a", b"2"))


async def until_it_knows(read: Callable[[], Awaitable[object]]) -> None:
    """Reads until the member has noticed that it is alone; before that it has other words."""
    async with asyncio.timeout(60):
        while True:
            try:
                await read()
            except StoreUnavailable as error:
                if "no leader" in error.message:
                    raise


async def test_a_watch_that_was_cut_off_during_a_compaction_ends_with_it(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with (
            Proxy(member.client_port) as proxy,
            EtcdClient(EtcdSettings((member.endpoint,))) as direct,
            EtcdClient(EtcdSettings((proxy.endpoint,), timeout_s=2.0)) as client,
        ):
            start = await direct.put("/w/0", b"")
            async with watching(client, "/w/", start) as watcher:
                await watcher.has("/w/0")
                proxy.cut()
                await direct.put("/w/1", b"")
                newest = await direct.put("/w/1", b"")
                await direct.compact(newest)
                proxy.mend()

                error = await watcher.has_ended()

                assert isinstance(error, Compacted)
                assert error.compact_revision == newest
                assert watcher.keys == ["/w/0"]


async def test_a_watch_from_now_on_that_was_cut_off_before_anything_happened_misses_nothing(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with through_a_proxy(member) as (proxy, direct, client):
            await direct.put("/w/before", b"")
            async with watching(client, "/w/", 0) as watcher:
                await member.has_watches(1)
                proxy.cut()
                await direct.put("/w/while cut off", b"")
                proxy.mend()

                await watcher.has("/w/while cut off")
                assert watcher.keys == ["/w/while cut off"]


async def test_a_half_open_connection_is_noticed_by_a_watch_in_which_nothing_happens(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with Proxy(member.client_port) as proxy, EtcdClient(EtcdSettings((member.endpoint,))) as direct:
            settings = EtcdSettings((proxy.endpoint, member.endpoint), timeout_s=1.5, watch_idle_s=0.3)
            async with EtcdClient(settings) as client:
                start = await direct.put("/w/0", b"")
                async with watching(client, "/w/", start) as watcher:
                    await watcher.has("/w/0")
                    proxy.swallow_answers()
                    await direct.put("/w/1", b"")

                    await watcher.has("/w/1")
                    assert watcher.keys == ["/w/0", "/w/1"]


async def test_a_write_without_a_fence_is_not_repeated_when_its_answer_is_lost(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with through_a_proxy(member) as (proxy, direct, client):
            before = await direct.put("/a", b"before")
            await client.get("/a")
            proxy.swallow_answers()
            writing = asyncio.create_task(client.put("/a", b"once"))
            after = await value_changes(direct, "/a", before)
            proxy.cut()
            proxy.mend()

            with pytest.raises(StoreUnavailable):
                await writing
            await client.get("/a")  # works again, and nothing was repeated
            item = await direct.get("/a")
            assert item is not None
            assert item.mod_revision == after


async def test_a_fenced_transaction_is_repeated_and_done_once(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with through_a_proxy(member) as (proxy, direct, client):
            await client.get("/a")
            proxy.swallow_answers()
            writing = asyncio.create_task(client.txn([absent("/a")], [put("/a", b"once")], fenced=True))
            after = await value_changes(direct, "/a", 0)
            proxy.cut()
            proxy.mend()

            assert not (await writing).succeeded, "the repetition must find that it was done"
            item = await direct.get("/a")
            assert item is not None
            assert item.mod_revision == after


@asynccontextmanager
async def through_a_proxy(member: Member) -> AsyncIterator[tuple[Proxy, EtcdClient, EtcdClient]]:
    """The proxy, a client that does not use it, and one that does."""
    async with (
        Proxy(member.client_port) as proxy,
        EtcdClient(EtcdSettings((member.endpoint,))) as direct,
        EtcdClient(EtcdSettings((proxy.endpoint,), timeout_s=30.0)) as client,
    ):
        yield proxy, direct, client


async def value_changes(client: EtcdClient, key: str, since: int) -> int:
    """The revision of the key once it is another than `since`."""
    async with asyncio.timeout(60):
        while True:
            item = await client.get(key)
            if item is not None and item.mod_revision != since:
                return item.mod_revision


async def test_a_lease_that_is_kept_outlives_its_time_and_is_lost_when_revoked(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        async with EtcdClient(EtcdSettings((member.endpoint,))) as client:
            lease = await client.grant_lease(4)
            async with client.keep_alive(lease) as keeper:
                await asyncio.sleep(keeper.ttl_s * 1.2)  # longer than it lives by itself
                assert not keeper.lost
                assert keeper.remaining_s > 0
                await client.revoke(lease)
                async with asyncio.timeout(60):
                    await keeper.wait_lost()
                assert keeper.remaining_s == 0
            with pytest.raises(StoreUnavailable, match="expired"):
                async with client.keep_alive(lease):
                    pass


async def test_a_full_etcd_says_how_to_make_room(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path, options=[f"--quota-backend-bytes={4 * MIB}"]) as member:
        async with EtcdClient(EtcdSettings((member.endpoint,))) as client:
            with pytest.raises(StoreUnavailable, match=r"is full: its quota .* alarm.*fairlead doctor"):
                await fill(client)

            assert [alarm.kind for alarm in await client.alarms()] == ["NOSPACE"]
            assert await client.get("/fill/0") is not None, "reading goes on"
            (status,) = await client.status()
            assert any("NOSPACE" in error for error in status.errors)


async def fill(client: EtcdClient) -> None:
    """Write until it is refused. etcd looks at its size a few times a second: a quick disk takes much in between."""
    async with asyncio.timeout(60):
        for number in count():
            await client.put(f"/fill/{number}", bytes(MIB))


class _OldEtcd(rpc_pb2_grpc.MaintenanceServicer):
    """Answers as an etcd of the version that it is given."""

    def __init__(self, version: str) -> None:
        self._version = version

    async def Status(self, request: object, context: object) -> rpc_pb2.StatusResponse:
        return rpc_pb2.StatusResponse(version=self._version)


async def test_an_etcd_that_is_too_old_is_refused_by_its_version() -> None:
    server = grpc.aio.server()
    rpc_pb2_grpc.add_MaintenanceServicer_to_server(_OldEtcd("3.3.27"), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with EtcdClient(EtcdSettings((f"http://127.0.0.1:{port}",))) as client:
            with pytest.raises(StoreUnavailable, match=r"is 3\.3\.27; 3\.4 or newer is needed"):
                await client.put("/a", b"")
    finally:
        await server.stop(grace=None)


async def test_a_closed_client_ends_its_calls_with_an_error(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        client = EtcdClient(EtcdSettings((member.endpoint,)))
        await client.put("/a", b"")
        member.stop()
        reading = asyncio.create_task(client.get("/a"))
        _, waiting = await asyncio.wait({reading}, timeout=0.1)
        assert waiting == {reading}, "a stopped etcd does not answer"

        await client.close()

        with pytest.raises(StoreUnavailable, match="closed"):
            await reading


async def test_a_closed_client_ends_its_watches_with_an_error(tmp_path: Path) -> None:
    with running(newest_etcd(), tmp_path) as member:
        client = EtcdClient(EtcdSettings((member.endpoint,)))
        start = await succeeds(lambda: client.put("/w/0", b""))
        async with watching(client, "/w/", start) as watcher:
            await watcher.has("/w/0")
            await client.close()

            assert "closed" in (await watcher.has_ended()).message
