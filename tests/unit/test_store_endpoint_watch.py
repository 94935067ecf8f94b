"""Following endpoint sets through listings and watches: what is told, what is not told twice, and what is gone."""

from __future__ import annotations

from contextlib import aclosing

from api.errors import StoreUnavailable
from snapshots.store.endpoint_records import EndpointRecord
from snapshots.store.endpoint_sets import EndpointSet
from snapshots.store.endpoint_watch import follow_endpoint_sets
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import KeyValue, Listing, WatchBatch, WatchEvent
from snapshots.store.keys import Keys
from tests.etcd_script import Answer, Script
from xds.protocol.types import GroupName

KEYS = Keys()
EDGE = GroupName("edge")
Told = list[list[tuple[str, int, bool]]]


def an_item(version: int, name: str = "carts", body: bytes = b"b") -> KeyValue:
    record = EndpointRecord(EndpointSet(EDGE, name, version, body), "a")
    return KeyValue(KEYS.endpoint_set(EDGE, name), record.encode(), 1, 10 + version)


def listing(*items: KeyValue, revision: int = 100) -> Listing:
    return Listing(items, revision)


def batch(*items: KeyValue, deleted: tuple[str, ...] = (), revision: int = 101) -> WatchBatch:
    gone = (WatchEvent("delete", KeyValue(KEYS.endpoint_set(EDGE, name), b"", 0, revision)) for name in deleted)
    return WatchBatch((*(WatchEvent("put", item) for item in items), *gone), revision)


async def told(*answers: Answer) -> Told:
    """Each batch as (name, version, whether it is cleared), until the script has no more."""
    seen: Told = []
    script = Script(KEYS.endpoint_sets, *answers)
    try:
        async with aclosing(follow_endpoint_sets(script, KEYS, retry_s=0)) as batches:  # type: ignore[arg-type]
            while True:
                seen.append([(each.name, each.version, each.cleared) for each in await anext(batches)])
    except IndexError:
        return seen


async def test_it_begins_with_one_batch_also_of_nothing_and_without_what_is_cleared() -> None:
    assert await told(listing(), [batch(an_item(1))]) == [[], [("carts", 1, False)]]
    assert await told(listing(an_item(4, body=b"")), [batch(an_item(5))]) == [[], [("carts", 5, False)]]


async def test_of_a_batch_the_last_of_each_set_counts() -> None:
    changes = batch(an_item(2), an_item(1, "orders"), an_item(3))
    assert await told(listing(an_item(1)), [changes]) == [
        [("carts", 1, False)],
        [("carts", 3, False), ("orders", 1, False)],
    ]


async def test_versions_never_go_back_and_nothing_is_told_twice() -> None:
    answers = (listing(an_item(3)), [batch(an_item(2)), batch(an_item(3))], listing(an_item(2)), [batch(an_item(4))])
    assert await told(*answers) == [[("carts", 3, False)], [("carts", 4, False)]]


async def test_after_a_compaction_or_an_outage_what_differs_is_told() -> None:
    answers: tuple[Answer, ...] = (
        listing(an_item(1), an_item(1, "orders"), an_item(1, "same")),
        Compacted("gone", 50),
        StoreUnavailable("down"),
        listing(an_item(2), an_item(1, "same"), an_item(1, "fresh"), revision=200),
        [],
    )
    assert await told(*answers) == [
        [("carts", 1, False), ("orders", 1, False), ("same", 1, False)],
        [("carts", 2, False), ("fresh", 1, False), ("orders", 1, True)],
    ]


async def test_what_is_deleted_by_hand_is_cleared_and_may_begin_anew() -> None:
    changes = [batch(deleted=("carts", "never-there")), batch(an_item(1))]
    assert await told(listing(an_item(9)), changes) == [
        [("carts", 9, False)],
        [("carts", 9, True)],
        [("carts", 1, False)],
    ]


async def test_an_etcd_that_was_put_back_takes_nothing_away() -> None:
    answers = (listing(an_item(3), an_item(1, "orders")), [], listing(an_item(2), revision=40), [batch(an_item(4))])
    assert await told(*answers) == [[("carts", 3, False), ("orders", 1, False)], [("carts", 4, False)]]
