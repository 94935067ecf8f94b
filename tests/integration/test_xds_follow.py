"""Servers that follow a store: readiness, changes, a store that is lost, and moving between two servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.errors import Denied, InvalidConfig, NotFound, StoreUnavailable
from snapshots.store.memory import MemoryStore
from snapshots.store.protocol import ResourceChange, Revision, Rollback, Snapshot, StoreStatus
from tests.clients import DeltaClient, StateClient, names
from tests.edges import GROUP, EdgeForTests, a_cluster, an_edge, eventually, publish
from xds.protocol.types import CLUSTER, GroupName
from xds.server.follow import Follower


class FragileStore(MemoryStore):
    """A MemoryStore whose reads can be made to fail, to count, and to wait."""

    def __init__(self) -> None:
        super().__init__(time.time)
        self.broken: Exception | None = None
        self.broken_group: GroupName | None = None
        self.forgets_base = False
        self.snapshots_read = 0

    def _fail(self, group: GroupName | None = None) -> None:
        if self.broken is not None and self.broken_group in (None, group):
            raise self.broken

    async def groups(self) -> tuple[GroupName, ...]:
        if self.broken_group is None:
            self._fail()
        return await super().groups()

    async def snapshot(self, group: GroupName, number: int) -> Snapshot:
        self._fail(group)
        self.snapshots_read += 1
        return await super().snapshot(group, number)

    async def diff(self, group: GroupName, base: int, to: int) -> tuple[ResourceChange, ...]:
        self._fail(group)
        if self.forgets_base:
            raise NotFound(f"revision {base} of group {group!r} is no longer kept")
        return await super().diff(group, base, to)

    async def status(self) -> StoreStatus:
        if self.broken is not None and self.broken_group is None:
            return StoreStatus("memory", False, str(self.broken))
        return await super().status()


class RefusingStore(FragileStore):
    """Answers when it is asked how it is, and ends every watch with a refusal while `refuse` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse = asyncio.Event()

    async def watch(self) -> AsyncIterator[Revision]:
        async for revision in super().watch():
            if self.refuse.is_set():
                raise Denied("refused")
            yield revision
            await self.refuse.wait()
            raise Denied("refused")


@asynccontextmanager
async def following(store: MemoryStore) -> AsyncIterator[tuple[EdgeForTests, Follower]]:
    async with an_edge() as edge:
        follower = Follower(store, edge.server.groups, edge.fleet, edge.observer)
        task = asyncio.create_task(follower.run())
        try:
            yield edge, follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_empty_store_makes_a_server_ready() -> None:
    async with following(FragileStore()) as (_, follower):
        await asyncio.wait_for(follower.ready.wait(), 60)
        assert follower.not_ready_reason == ""


async def test_published_changes_reach_clients_and_only_the_first_load_is_a_snapshot() -> None:
    store = FragileStore()
    await publish(store, a_cluster("one"))
    async with following(store) as (edge, follower), DeltaClient(edge.address) as client:
        await asyncio.wait_for(follower.ready.wait(), 60)
        await client.subscribe(CLUSTER)
        assert names(await client.next()) == ["one"]
        await client.ack(CLUSTER)
        revision = await publish(store, a_cluster("one"), a_cluster("two"))
        assert names(await client.next()) == ["two"]
        await client.ack(CLUSTER)
        await eventually(lambda: edge.fleet.progress(GROUP, revision).acked == 1, "the node has the revision")
        assert store.snapshots_read == 1


async def test_group_that_appears_later_is_served() -> None:
    store = FragileStore()
    async with following(store) as (edge, _), DeltaClient(edge.address, cluster="new") as client:
        await client.subscribe(CLUSTER)
        await publish(store, a_cluster("one"), group=GroupName("new"))
        assert names(await client.next()) == ["one"]


async def test_rollback_sends_the_same_bytes_again() -> None:
    store = FragileStore()
    first = await publish(store, a_cluster("one", "good"))
    async with following(store) as (edge, _), DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        before = (await client.next()).resources[0]
        await client.ack(CLUSTER)
        await publish(store, a_cluster("one", "bad"))
        await client.next()
        await client.ack(CLUSTER)
        await store.rollback(Rollback(GROUP, first, "undo"))
        after = (await client.next()).resources[0]
        assert after.SerializeToString(deterministic=True) == before.SerializeToString(deterministic=True)


async def test_base_that_the_store_has_let_go_of_is_made_up_for() -> None:
    store = FragileStore()
    await publish(store, a_cluster("one"), a_cluster("two"))
    async with following(store) as (edge, _), DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.ack(CLUSTER)
        store.forgets_base = True
        await publish(store, a_cluster("one"), a_cluster("two", "changed"))
        assert names(await client.next()) == ["two"]


async def test_nothing_is_served_and_nothing_is_ready_before_the_store_answers() -> None:
    store = FragileStore()
    await publish(store, a_cluster("one"))
    store.broken = StoreUnavailable("etcd is down")
    async with following(store) as (edge, follower), DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        assert await client.hears_nothing()
        assert "etcd is down" in follower.not_ready_reason
        store.broken = None
        assert names(await client.next()) == ["one"]
        assert follower.ready.is_set()


async def test_store_that_is_lost_is_told_and_what_is_loaded_stays_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xds.server.follow.PROBE_S", 0.05)
    store = FragileStore()
    await publish(store, a_cluster("one"))
    async with following(store) as (edge, follower):
        await asyncio.wait_for(follower.ready.wait(), 60)
        store.broken = StoreUnavailable("etcd is down")
        await eventually(lambda: edge.observer.store == ["lost: etcd is down"], "the loss is told")
        assert follower.store_lost
        async with DeltaClient(edge.address) as client:
            await client.subscribe(CLUSTER)
            assert names(await client.next()) == ["one"]
        store.broken = None
        await eventually(lambda: edge.observer.store[1:] == ["back"], "the return is told")
        assert follower.ready.is_set()


async def test_store_that_refuses_a_new_server_ends_it() -> None:
    store = FragileStore()
    store.broken = Denied("etcd refuses the user name or password")
    with pytest.raises(ExceptionGroup) as caught:
        async with an_edge() as edge:
            await Follower(store, edge.server.groups, edge.fleet, edge.observer).run()
    assert caught.group_contains(Denied, match="refuses")


async def test_store_that_refuses_a_server_later_leaves_it_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xds.server.follow.PROBE_S", 0.01)
    store = RefusingStore()
    await publish(store, a_cluster("one"))
    async with following(store) as (edge, follower):
        await asyncio.wait_for(follower.ready.wait(), 60)
        store.refuse.set()
        await eventually(lambda: follower.store_lost == "refused", "the refusal is told")
        async with DeltaClient(edge.address) as client:
            await client.subscribe(CLUSTER)
            assert names(await client.next()) == ["one"]
            assert await client.hears_nothing()  # many probes long, all of them answered
        assert edge.observer.store == ["lost: refused"]
        store.refuse.clear()
        await eventually(lambda: edge.observer.store[1:] == ["back"], "the return is told")


async def test_publish_while_reads_fail_is_served_when_they_work_again() -> None:
    store = FragileStore()
    await publish(store, a_cluster("one"))
    async with following(store) as (edge, _), DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        await client.next()
        await client.ack(CLUSTER)
        store.broken = StoreUnavailable("etcd is down")
        await publish(store, a_cluster("two"))
        assert await client.hears_nothing()
        store.broken = None
        assert names(await client.next()) == ["two"]


async def test_group_that_cannot_be_read_holds_up_no_other() -> None:
    store = FragileStore()
    sick = GroupName("sick")
    store.broken, store.broken_group = InvalidConfig("bucket 3 does not match its digest"), sick
    await publish(store, a_cluster("one"), group=sick)
    await publish(store, a_cluster("one"))
    async with following(store) as (edge, follower), DeltaClient(edge.address) as client:
        await client.subscribe(CLUSTER)
        assert names(await client.next()) == ["one"]
        await eventually(lambda: edge.observer.group_failures, "the failure is told")
        assert "sick" in follower.not_ready_reason
        store.broken = None
        await asyncio.wait_for(follower.ready.wait(), 60)
        assert edge.server.groups.revision(sick) == 1


async def test_node_that_moves_to_another_server_is_resent_nothing() -> None:
    store = FragileStore()
    await publish(store, *(a_cluster(f"c{number}") for number in range(20)))
    async with following(store) as (first, ready), following(store) as (second, also_ready):
        await asyncio.wait_for(asyncio.gather(ready.ready.wait(), also_ready.ready.wait()), 60)
        async with DeltaClient(first.address) as client:
            await client.subscribe(CLUSTER)
            held = await client.next()
            await client.ack(CLUSTER)
        versions = {resource.name: resource.version for resource in held.resources}
        async with DeltaClient(second.address) as client:
            await client.subscribe(CLUSTER, holding=versions)
            await _is_resent_nothing(client)
            await publish(store, *(a_cluster(f"c{number}", "x" if number == 7 else "") for number in range(20)))
            assert names(await client.next()) == ["c7"]


async def test_two_servers_serve_the_same_bytes_and_versions() -> None:
    store = FragileStore()
    await publish(store, a_cluster("one"))
    async with following(store) as (first, _):
        await eventually(lambda: first.server.groups.revision(GROUP) == 1, "the first server follows")
        await publish(store, a_cluster("one", "changed"), a_cluster("two"))
        await eventually(lambda: first.server.groups.revision(GROUP) == 2, "the first server is at the head")
        async with following(store) as (second, _):  # it only ever sees the second revision
            await eventually(lambda: second.server.groups.revision(GROUP) == 2, "the second server is at the head")
            for kind in (DeltaClient, StateClient):
                assert await _all_of(kind, first) == await _all_of(kind, second)


async def _all_of(kind: type[Any], edge: EdgeForTests) -> bytes:
    async with kind(edge.address) as client:
        await client.subscribe(CLUSTER)
        response = await client.next()
        return bytes(response.SerializeToString(deterministic=True))


async def _is_resent_nothing(client: DeltaClient) -> None:
    try:
        response = await client.next(0.3)
    except TimeoutError:
        return
    assert names(response) == []
    await client.ack(CLUSTER)
