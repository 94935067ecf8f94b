"""Follows a stored revision to the gateways' ACKs: a line that moves on a terminal, lines anywhere else."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.cli.explanations import Explained, explain, explanation_lines
from api.cli.messages import plain
from api.cli.terminal import LiveLine, Paint, escape, say
from api.errors import FairleadError, NotFound, Rejected, ServerUnreachable, StoreUnavailable
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

FRACTION = 0.99
# A server that restarts is back by then; its embedded etcd, and what gateways have, needs a moment more.
RESTART_S = 15.0
RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Followed:
    """How it ended. `slowest_s`: seconds from the request to the ACK of 99 % of the gateways; None: never that many."""

    progress: pb.Progress
    slowest_s: float | None

    def __str__(self) -> str:
        progress = self.progress
        if not progress.nodes_total:
            return "no gateway of the group is connected; each takes it when it connects"
        took = f", p99 {self.slowest_s:.1f} s" if self.slowest_s is not None else ""
        rejected = f", {progress.nodes_rejected} rejected" if progress.nodes_rejected else ""
        return f"fleet {progress.nodes_acked}/{progress.nodes_total} ACK{rejected}{took}"

    def document(self) -> dict[str, Any]:
        return {**plain(self.progress), "p99_s": self.slowest_s}


async def follow(client: ManagementClient, group: str, revision: int, started_s: float) -> Followed:
    """Wait until no gateway is left to wait for. `started_s` is time.monotonic() when the change was asked for.

    Whatever ends the wait early (Ctrl-C, --timeout, a lost server) says that the revision is stored all the same.
    """
    line = LiveLine()
    try:
        return await _follow_on(client, group, revision, started_s, line)
    except asyncio.CancelledError:
        line.clear()
        say(f"no longer waiting: {_stored(group, revision)}")
        raise
    except NotFound:  # a server that came back without its store: what was stored is gone
        raise
    except FairleadError as error:
        error.message = f"{error.message}\n{_stored(group, revision)}"
        raise
    finally:
        line.clear()


class _Patience:
    """With a server that goes away: how long it is waited for, and then for the gateways that it had."""

    def __init__(self) -> None:
        self._gateways = 0
        self._until_s: float | None = None

    def saw(self, gateways: int) -> None:
        if gateways >= self._gateways:
            self._gateways, self._until_s = gateways, None

    def lasts(self) -> bool:
        """Whether a server that is away is still waited for, which begins with the first question."""
        now_s = time.monotonic()
        if self._until_s is None:
            self._until_s = now_s + RESTART_S
        return now_s < self._until_s

    def misses_gateways(self) -> bool:
        """Whether the server is back, and not yet all the gateways that it had."""
        return self._until_s is not None and time.monotonic() < self._until_s


async def _follow_on(client: ManagementClient, group: str, revision: int, started_s: float, line: LiveLine) -> Followed:
    """As `_follow`, again when the server went away in the middle: it may be restarting."""
    patience = _Patience()
    while True:
        try:
            followed = await _follow(client, group, revision, started_s, line, patience)
            if not patience.misses_gateways():
                return followed
            line.show(f"waiting for revision {revision}: the server is back, its gateways are not all")
        except (ServerUnreachable, StoreUnavailable):
            if not patience.lasts():
                raise
            line.show(f"waiting for revision {revision}: the server went away; looking for it again")
        await asyncio.sleep(RETRY_S)


async def _follow(
    client: ManagementClient, group: str, revision: int, started_s: float, line: LiveLine, patience: _Patience
) -> Followed:
    slowest_s: float | None = None
    followed = None
    async for progress in client.follow_revision(group, revision):
        patience.saw(progress.nodes_total)
        if progress.superseded_by and progress.superseded_by != revision:
            line.clear()
            say(f"revision {progress.superseded_by} took over from revision {revision}; following that one")
            return await _follow(client, group, progress.superseded_by, started_s, line, patience)
        if slowest_s is None and progress.nodes_acked >= FRACTION * progress.nodes_total:
            slowest_s = time.monotonic() - started_s
        followed = Followed(progress, slowest_s if progress.nodes_total else None)
        if progress.done:
            break
        if not patience.misses_gateways():
            line.show(f"waiting for revision {revision}: {followed}")
    if followed is None:
        raise NotFound(f"the server says nothing of revision {revision} of group {group}")
    return followed


def _stored(group: str, revision: int) -> str:
    return f"revision {revision} is stored and goes on to the gateways; `fairlead status --group {group}` shows how far"


async def raise_if_rejected(client: ManagementClient, group: str, followed: Followed, paint: Paint) -> None:
    """Raise Rejected after saying, on standard error, what was rejected, in which words, from which line."""
    progress = followed.progress
    if not progress.nodes_rejected:
        return
    for resource in _rejected_resources(progress):
        for explained in await _explained(client, group, resource):
            for line in explanation_lines(explained, paint):
                say(line)
    count, total = progress.nodes_rejected, progress.nodes_total
    raise Rejected(f"revision {progress.revision} was rejected by {count} of {total} gateways")


def _rejected_resources(progress: pb.Progress) -> list[str]:
    names = [name_of(rejection.type_url, name) for rejection in progress.rejections for name in rejection.names]
    return list(dict.fromkeys(names))


async def _explained(client: ManagementClient, group: str, resource: str) -> list[Explained]:
    try:
        return [item for item in await explain(client, group, resource) if item.explanation.rejections]
    except NotFound:
        # Gone again in the meantime, or a name that Envoy made up.
        say(escape(f"{resource} was rejected"))
        return []
