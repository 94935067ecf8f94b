"""One revision on its way to the gateways: followed beside a source's loop, the newest alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from api.errors import FairleadError
from api.management.v1 import management_pb2 as pb


class RevisionFollower:
    """`progressed` hears of each step of the revision that is followed."""

    def __init__(self, progressed: Callable[[pb.Progress], None]) -> None:
        self._progressed = progressed
        self._task: asyncio.Task[None] | None = None

    async def follow(self, progress: AsyncIterator[pb.Progress]) -> None:
        """From now on this one, and the one before no longer."""
        await self.close()
        self._task = asyncio.create_task(self._count(progress))

    async def close(self) -> None:
        """Follow nothing. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _count(self, progress: AsyncIterator[pb.Progress]) -> None:
        with suppress(FairleadError):  # the server went away: the next revision is followed anew
            async for each in progress:
                self._progressed(each)
