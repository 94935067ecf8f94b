"""Following heads through listings and watches: each group's numbers only grow, whatever etcd answers from."""

from __future__ import annotations

from contextlib import aclosing

from api.errors import StoreUnavailable
from snapshots.store.codec import Digest
from snapshots.store.etcd.errors import Compacted
from snapshots.store.etcd.model import KeyValue, Listing, WatchBatch, WatchEvent
from snapshots.store.heads import follow_heads
from snapshots.store.keys import Keys
from snapshots.store.protocol import Revision
from snapshots.store.records import RevisionRecord, Target
from tests.contract.publications import SHOP
from tests.etcd_script import Script
from xds.protocol.types import GroupName

KEYS = Keys()


def _target(number: int, group: str = "edge") -> KeyValue:
    name = GroupName(group)
    revision = Revision(name, number, number - 1, "s", SHOP, {SHOP: number}, "", "", "", 0.0, "k")
    data = Target(RevisionRecord(revision, Digest("o"), Digest("d"), "a")).encode()
    return KeyValue(KEYS.target(name), data, 1, 10 + number)


def _listing(*targets: KeyValue, revision: int = 100) -> Listing:
    return Listing(targets, revision)


def _batch(*targets: KeyValue) -> WatchBatch:
    return WatchBatch(tuple(WatchEvent("put", target) for target in targets), 101)


async def _heads(script: Script) -> list[tuple[str, int]]:
    """All that is yielded until the script has no more answers."""
    seen: list[tuple[str, int]] = []
    try:
        async with aclosing(follow_heads(script, KEYS, retry_s=0)) as heads:  # type: ignore[arg-type]
            while True:
                revision = await anext(heads)
                seen.append((revision.group, revision.number))
    except IndexError:
        return seen


async def test_a_watch_starts_where_the_listing_ended() -> None:
    script = Script(KEYS.targets, _listing(_target(3), revision=41), [_batch(_target(4))])
    assert await _heads(script) == [("edge", 3), ("edge", 4)]
    assert script.started == [42]


async def test_numbers_never_go_back_whatever_is_answered() -> None:
    script = Script(
        KEYS.targets,
        _listing(_target(3)),
        [_batch(_target(2)), _batch(_target(3)), _batch(_target(5))],
        _listing(_target(4)),
        [_batch(_target(6))],
    )
    assert await _heads(script) == [("edge", 3), ("edge", 5), ("edge", 6)]


async def test_of_a_batch_each_group_yields_its_newest() -> None:
    script = Script(KEYS.targets, _listing(), [_batch(_target(1), _target(1, "other"), _target(2), _target(3))])
    assert await _heads(script) == [("edge", 3), ("other", 1)]


async def test_after_compaction_and_outages_the_listing_tells_what_was_missed() -> None:
    script = Script(
        KEYS.targets,
        StoreUnavailable("down"),
        _listing(_target(1)),
        Compacted("gone", 50),
        _listing(_target(7), _target(1, "other")),
        [],
    )
    assert await _heads(script) == [("edge", 1), ("edge", 7), ("other", 1)]


async def test_a_target_that_is_deleted_by_hand_says_nothing() -> None:
    gone = WatchEvent("delete", KeyValue(KEYS.target(GroupName("edge")), b"", 0, 60))
    script = Script(KEYS.targets, _listing(_target(1)), [WatchBatch((gone,), 60), _batch(_target(2))])
    assert await _heads(script) == [("edge", 1), ("edge", 2)]
