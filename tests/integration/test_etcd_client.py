"""The etcd client against every etcd at hand: what it reads, writes and watches when all is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest

from api.errors import InvalidConfig, LimitExceeded
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import (
    WatchBatch,
    absent,
    created_is,
    delete,
    delete_prefix,
    exists,
    get,
    modified_is,
    put,
    value_is,
)
from snapshots.store.etcd.settings import EtcdSettings
from tests.etcds import Member, every_etcd, running

pytestmark = pytest.mark.etcd
KIB = 1024


@pytest.fixture(scope="module", params=every_etcd())
def member(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    with running(request.param, tmp_path_factory.mktemp("etcd")) as etcd:
        yield etcd


@pytest.fixture
async def client(member: Member, request: pytest.FixtureRequest) -> AsyncIterator[EtcdClient]:
    async with EtcdClient(EtcdSettings((member.endpoint,))) as etcd:
        await etcd.txn((), [delete_prefix("")])
        yield etcd


async def batches(client: EtcdClient, prefix: str, start_revision: int, events: int) -> list[WatchBatch]:
    """What a watch delivers until it has delivered `events` changes."""
    delivered: list[WatchBatch] = []
    async with asyncio.timeout(60), aclosing(client.watch(prefix, start_revision=start_revision)) as watch:
        async for batch in watch:
            delivered.append(batch)
            if sum(len(each.events) for each in delivered) >= events:
                return delivered
    raise AssertionError("the watch ended by itself")


async def test_what_was_put_is_got_with_its_revisions(client: EtcdClient) -> None:
    first = await client.put("/a", b"1")
    second = await client.put("/a", b"\x00\xff")

    item = await client.get("/a")

    assert item is not None
    assert (item.key, item.value, item.create_revision, item.mod_revision) == ("/a", b"\x00\xff", first, second)
    assert await client.get("/none") is None


async def test_an_old_revision_can_be_read_until_it_is_compacted(client: EtcdClient) -> None:
    old = await client.put("/a", b"old")
    new = await client.put("/a", b"new")

    then = await client.get("/a", revision=old)
    assert then is not None
    assert then.value == b"old"
    await client.compact(new)
    with pytest.raises(Compacted, match="compacted"):
        await client.get("/a", revision=old)


async def test_list_pages_in_both_directions(client: EtcdClient) -> None:
    names = [f"/list/{number:02}" for number in range(10)]
    for name in names:
        await client.put(name, name.encode())
    await client.put("/lisu", b"outside")

    whole = await client.list("/list/")
    up = await client.list("/list/", limit=4, start_after=names[2])
    down = await client.list("/list/", limit=4, start_after=names[4], descending=True, keys_only=True)
    last = await client.list("/list/", limit=4, descending=True)

    assert [item.key for item in whole.items] == names
    assert not whole.more
    assert [item.key for item in up.items] == names[3:7]
    assert up.more
    assert [item.key for item in down.items] == names[3::-1]
    assert not down.more
    assert {item.value for item in down.items} == {b""}
    assert [item.key for item in last.items] == names[:5:-1]


async def test_list_of_many_keys_shows_one_moment(client: EtcdClient) -> None:
    for first in range(0, 1200, 100):
        await client.txn((), [put(f"/many/{number:04}", b"") for number in range(first, first + 100)])

    listing = await client.list("/many/")

    assert len(listing.items) == 1200
    assert listing.revision == max(item.mod_revision for item in listing.items)


async def test_list_and_get_many_of_values_beyond_the_receive_limit(client: EtcdClient, member: Member) -> None:
    for number in range(12):
        await client.put(f"/big/{number:02}", bytes(900 * KIB))

    async with EtcdClient(EtcdSettings((member.endpoint,), receive_limit_bytes=4 * KIB * KIB)) as narrow:
        listing = await narrow.list("/big/")
        found = await narrow.get_many([f"/big/{number:02}" for number in range(12)])

    assert [len(item.value) for item in listing.items] == [900 * KIB] * 12
    assert sorted(found) == [item.key for item in listing.items]


async def test_get_many_finds_what_exists_beyond_the_limit_of_one_transaction(client: EtcdClient) -> None:
    names = [f"/some/{number}" for number in range(300)]
    for first in range(0, 300, 100):
        await client.txn((), [put(name, name.encode()) for name in names[first : first + 100]])

    found = await client.get_many([*names, "/some/none"])

    assert {key: item.value for key, item in found.items()} == {name: name.encode() for name in names}


async def test_transaction_does_all_of_one_side(client: EtcdClient) -> None:
    created = await client.txn([absent("/t")], [put("/t", b"1"), put("/u", b"2")], [get("/t")])
    refused = await client.txn([absent("/t")], [put("/t", b"3")], [get("/t"), get("/none")])
    removed = await client.txn([exists("/t")], [delete("/t"), delete_prefix("/u"), delete("/none")])

    assert created.succeeded
    assert not refused.succeeded
    items = [response.item for response in refused.responses]
    assert items[0] is not None
    assert items[0].value == b"1"
    assert items[1] is None
    assert [response.deleted for response in removed.responses] == [1, 1, 0]
    assert await client.get("/t") is None


async def test_each_kind_of_condition(client: EtcdClient) -> None:
    created = await client.put("/c", b"x")
    modified = await client.put("/c", b"y")
    verdicts = {
        condition: (await client.txn([condition], ())).succeeded
        for condition in (
            created_is("/c", created),
            created_is("/c", modified),
            modified_is("/c", modified),
            modified_is("/c", created),
            modified_is("/none", 0),
            value_is("/c", b"y"),
            value_is("/c", b"x"),
            value_is("/none", b""),
            exists("/none"),
        )
    }
    assert list(verdicts.values()) == [True, False, True, False, True, True, False, False, False]


async def test_fenced_writers_never_overwrite_each_other(client: EtcdClient) -> None:
    await client.put("/n", b"0")

    async def increment() -> None:
        while True:
            item = await client.get("/n")
            assert item is not None
            more = str(int(item.value) + 1).encode()
            if (await client.txn([modified_is("/n", item.mod_revision)], [put("/n", more)])).succeeded:
                return

    await asyncio.gather(*(increment() for _ in range(10)))

    item = await client.get("/n")
    assert item is not None
    assert item.value == b"10"


async def test_delete_says_whether_there_was_such_a_key(client: EtcdClient) -> None:
    await client.put("/d", b"")

    assert await client.delete("/d")
    assert not await client.delete("/d")


async def test_watch_delivers_the_past_in_order_and_only_its_prefix(client: EtcdClient) -> None:
    start = await client.put("/w/a", b"1")
    await client.put("/x", b"other")
    await client.txn((), [put("/w/b", b"2"), delete("/w/a")])
    end = await client.put("/w/c", b"3")

    delivered = await batches(client, "/w/", start, 4)

    events = [(event.kind, event.item.key, event.item.value) for batch in delivered for event in batch.events]
    assert events == [("put", "/w/a", b"1"), ("put", "/w/b", b"2"), ("delete", "/w/a", b""), ("put", "/w/c", b"3")]
    assert delivered[-1].revision == end


async def test_watch_from_now_on_sees_what_comes_and_nothing_before(client: EtcdClient) -> None:
    await client.put("/w/before", b"")
    watching = asyncio.create_task(batches(client, "/w/", 0, 1))
    number = 0
    while not watching.done():
        number += 1
        await client.put(f"/w/{number}", b"")
        await asyncio.sleep(0)

    assert [event.item.key for batch in await watching for event in batch.events] != ["/w/before"]


async def test_a_watch_that_catches_up_with_much_keeps_revisions_whole(client: EtcdClient, member: Member) -> None:
    """Without `fragment`, all in one message would exceed what is received; with it, etcd cuts within a revision."""
    start = (await client.list("/w/")).revision + 1
    for number in range(10):
        await client.txn((), [put(f"/w/{number}/{part}", bytes(280 * KIB)) for part in range(4)])

    async with EtcdClient(EtcdSettings((member.endpoint,), receive_limit_bytes=4 * KIB * KIB)) as narrow:
        delivered = await batches(narrow, "/w/", start, 40)

    revisions = [{event.item.mod_revision for event in batch.events} for batch in delivered]
    assert sum(len(batch.events) for batch in delivered) == 40
    assert all(not (one & other) for one, other in pairwise(revisions)), "a revision was split"
    assert [max(each) for each in revisions] == [batch.revision for batch in delivered]


async def test_watch_of_a_compacted_revision_says_so(client: EtcdClient) -> None:
    old = await client.put("/w/a", b"1")
    new = await client.put("/w/a", b"2")
    await client.compact(new)

    with pytest.raises(Compacted) as caught:
        await batches(client, "/w/", old, 1)

    assert caught.value.compact_revision == new


async def test_a_watch_that_is_left_or_cancelled_ends_its_call(client: EtcdClient, member: Member) -> None:
    revision = await client.put("/w/a", b"")
    await batches(client, "/w/", revision, 1)
    watching = asyncio.create_task(batches(client, "/nothing/", 0, 1))
    await member.has_watches(1)

    watching.cancel()

    with pytest.raises(asyncio.CancelledError):
        await watching
    await member.has_watches(0)


async def test_a_lease_is_kept_alive_for_the_block_and_revoked_with_its_keys(client: EtcdClient) -> None:
    lease = await client.grant_lease(60)
    async with client.keep_alive(lease) as keeper:
        await client.put("/leased", b"", lease=lease)
        assert 0 < keeper.remaining_s <= keeper.ttl_s == 60
        item = await client.get("/leased")
        assert item is not None
        assert item.lease == lease

    await client.revoke(lease)
    await client.revoke(lease)

    assert await client.get("/leased") is None


async def test_a_request_over_the_limits_is_refused_with_the_limit(client: EtcdClient) -> None:
    with pytest.raises(LimitExceeded, match="max-request-bytes"):
        await client.put("/large", bytes(3 * KIB * KIB))
    with pytest.raises(LimitExceeded, match="max-txn-ops"):
        await client.txn((), [put(f"/ops/{number}", b"") for number in range(129)])


async def test_state_of_the_cluster(client: EtcdClient, member: Member) -> None:
    (status,) = await client.status()

    assert status.endpoint == member.endpoint
    assert status.version.startswith("3.")
    assert status.leader == status.member != ""
    assert status.db_size_bytes > 0
    assert not status.problem
    assert [each.name for each in await client.members()] == ["one"]
    assert await client.alarms() == ()


@pytest.mark.parametrize("endpoint", ["", "ftp://etcd:1", "http://", "http://etcd:port", "http://etcd:1/path"])
def test_an_endpoint_that_is_none_is_refused_with_an_example(endpoint: str) -> None:
    with pytest.raises(InvalidConfig, match=r"http://127\.0\.0\.1:2379"):
        EtcdSettings((endpoint,))


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="no etcd endpoint"):
        EtcdSettings(())
    with pytest.raises(InvalidConfig, match="go together"):
        EtcdSettings(("https://etcd:2379",), cert_file=Path("client.crt"))
    with pytest.raises(InvalidConfig, match="use TLS for all"):
        EtcdSettings(("https://one:2379", "http://two:2379"))
