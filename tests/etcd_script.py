"""An etcd that answers as it was told, for what follows keys: listings and watches in turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from api.errors import StoreUnavailable
from snapshots.store.etcd.model import Listing, WatchBatch

Answer = Listing | Sequence[WatchBatch] | Exception


class Script:
    """Then there is no more: IndexError. `started` has the revisions from which it was watched."""

    def __init__(self, prefix: str, *answers: Answer) -> None:
        self._prefix = prefix
        self.answers = list(answers)
        self.started: list[int] = []

    async def list(self, prefix: str, **_: object) -> Listing:
        assert prefix == self._prefix
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Listing)
        return answer

    async def watch(self, prefix: str, *, start_revision: int) -> AsyncGenerator[WatchBatch, None]:
        self.started.append(start_revision)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert not isinstance(answer, Listing)
        for batch in answer:
            yield batch
        raise StoreUnavailable("cut off")
