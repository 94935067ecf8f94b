"""Groups, the streams that follow them, and waking those without holding up the event loop."""

from __future__ import annotations

import asyncio

from tests.edges import eventually
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, GroupName
from xds.transport.catalogues import WAKE_BATCH, Catalogues

LARGE, SMALL = GroupName("large"), GroupName("small")
ONE = Resource.of(CLUSTER, "one", b"1")


class Sleeper:
    """Notes in a common book when it is woken."""

    def __init__(self, stream_id: int, book: list[int]) -> None:
        self.id = stream_id
        self._book = book

    def wake(self) -> None:
        self._book.append(self.id)


async def woken(catalogues: Catalogues, until: int, book: list[int]) -> None:
    task = asyncio.create_task(catalogues.wake_streams())
    await eventually(lambda: len(book) >= until, "all streams are woken")
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()


async def test_every_stream_of_a_group_that_moved_is_woken_once() -> None:
    catalogues, book = Catalogues(1000), list[int]()
    for number in range(3 * WAKE_BATCH + 1):
        catalogues.join(LARGE, Sleeper(number, book))
    catalogues.join(SMALL, Sleeper(-1, book))
    catalogues.load(LARGE, 1, [ONE])
    catalogues.advance(LARGE, 2, [(ONE, None)])
    await woken(catalogues, 3 * WAKE_BATCH + 1, book)
    assert sorted(book) == list(range(3 * WAKE_BATCH + 1))


async def test_small_group_does_not_wait_for_a_large_one() -> None:
    catalogues, book = Catalogues(1000), list[int]()
    for number in range(10 * WAKE_BATCH):
        catalogues.join(LARGE, Sleeper(number, book))
    catalogues.join(SMALL, Sleeper(-1, book))
    catalogues.load(LARGE, 1, [ONE])
    catalogues.load(SMALL, 1, [ONE])
    await woken(catalogues, 10 * WAKE_BATCH + 1, book)
    assert book.index(-1) <= WAKE_BATCH


async def test_group_that_moves_while_its_streams_are_woken_gets_a_second_round() -> None:
    catalogues, book = Catalogues(1000), list[int]()

    class Publisher(Sleeper):
        """Publishes once, when it is woken for the first time."""

        def wake(self) -> None:
            super().wake()
            if catalogues.revision(LARGE) == 1:
                catalogues.advance(LARGE, 2, [(ONE, None)])

    count = 2 * WAKE_BATCH
    for number in range(count):
        catalogues.join(LARGE, (Publisher if number == WAKE_BATCH else Sleeper)(number, book))
    catalogues.load(LARGE, 1, [ONE])
    await woken(catalogues, 2 * count, book)
    assert sorted(book) == sorted([*range(count), *range(count)])


async def test_group_without_streams_is_kept_when_it_is_served_and_forgotten_when_it_never_was() -> None:
    catalogues, stream = Catalogues(1000), Sleeper(1, [])
    catalogues.load(LARGE, 1, [ONE])
    for name in (LARGE, SMALL):
        catalogues.join(name, stream)
        catalogues.leave(name, stream)
    assert list(catalogues.loaded) == [LARGE]
    assert (catalogues.revision(LARGE), catalogues.revision(SMALL)) == (1, 0)
    assert list(catalogues._groups) == [LARGE]
