"""One source, from one look to the next: observe, judge, do, tell. Level-triggered: every pass starts from what is.

Nothing is carried from pass to pass that a new process would miss (see `judgement`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agents.gitops.commit_statuses import CommitStatuses
from agents.gitops.following import RevisionFollower
from agents.gitops.git_process import Checkout, GitProcess, RepositoryTrouble
from agents.gitops.judgement import (
    Compare,
    Rest,
    Standing,
    Sync,
    Tried,
    changed_again,
    next_step,
    paths_that_differ,
    suspension,
)
from agents.gitops.ownership import disagreement, owned
from agents.gitops.schedule import USUAL, Pace, Schedule
from agents.gitops.server import Server, Turn
from agents.gitops.sources import Source
from agents.gitops.status import Shown, SourceStatus
from api.errors import FairleadError, Finding
from api.hosting.words import few_of
from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from api.telemetry import logs

# Not what a commit is like: the server or its store is away, or the turn went to another while this one fetched.
_NO_VERDICT = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "PERMISSION_DENIED")


class SourceLoop:
    """Runs until cancelled. `status` is what to show now; `knock` asks for a look before its time."""

    def __init__(
        self,
        source: Source,
        git: GitProcess,
        client: ManagementClient,
        holder: str,
        now_s: Callable[[], float] = time.time,
        pace: Pace = USUAL,
    ) -> None:
        self.source = source
        self._git = git
        self._client = client
        self._holder = holder
        self._now_s = now_s
        self._pace = pace
        self._schedule = Schedule(source.poll_s)
        self._knocked = asyncio.Event()
        self._tried: Tried | None = None
        self._turn = Turn()
        self._statuses = CommitStatuses(source.status_target) if source.status_target else None
        self._following = RevisionFollower(self._progressed)
        self._log: Any = logs.logger("gitops").bind(source=source.name)
        self.status = SourceStatus(source)

    def knock(self) -> None:
        """Look soon. Any number of knocks while one pass runs are one more pass."""
        self._knocked.set()

    async def run(self) -> None:
        """Pass after pass, until cancelled."""
        failures = 0
        try:
            while True:
                self._knocked.clear()
                failures = 0 if await self.look_once() else failures + 1
                await asyncio.sleep(self._pace.pause_s)
                await self._wait(self._schedule.wait_s(failures, random.random()))
        finally:
            await self.close()

    async def _wait(self, wait_s: float) -> None:
        """Until the next look, a knock, or an order. The turn is kept meanwhile."""
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._knocked.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self._pace.heartbeat_s)):
                    await self._knocked.wait()
            before = self._turn
            with suppress(FairleadError):  # the next pass says that the server is away
                await self._report()
            if (before.acting, before.orders) != (self._turn.acting, self._turn.orders):
                return

    async def _report(self) -> None:
        if self.source.workspace and self.source.group:
            self._turn = await self._server.report(self.status, self._pace.turn_s)

    async def _keeping_the_turn(self, fetching: Coroutine[Any, Any, Checkout]) -> Checkout:
        """A large fetch takes longer than a turn."""
        task = asyncio.create_task(fetching)
        try:
            while not (await asyncio.wait({task}, timeout=self._pace.heartbeat_s))[0]:
                with suppress(FairleadError):  # the publish will say that the server is away
                    await self._report()
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def close(self) -> None:
        """End what runs beside the loop, and leave the turn to the next. Idempotent."""
        await self._following.close()
        if self._turn.acting:
            self._turn = Turn()
            with suppress(FairleadError):  # it ends by itself, a little later
                await self._server.report(self.status, 0)
        await self._git.close()

    async def look_once(self) -> bool:
        """One pass. False when somebody on the other side of a network was away: then the next pass comes later."""
        went_well = await self._looked()
        if self._statuses is not None and self._turn.acting:
            await self._statuses.tell(self.status)
        return went_well

    async def _looked(self) -> bool:
        try:
            await self._pass()
            await self._report()
        except RepositoryTrouble as trouble:
            # What was fetched and cannot be read is a verdict on the commit; all else is the network's.
            self._tell("unreachable" if trouble.again else "refused", trouble.message, findings=trouble.findings)
            return not trouble.again
        except FairleadError as error:
            self._tell("waiting", f"the server: {error.message}", findings=error.findings)
            return False
        except Exception as error:  # noqa: BLE001 -- a defect ends a pass, never the sync of everything
            self._log.error("a pass failed", exc_info=error)
            self._tell("waiting", f"a defect ended the pass: {type(error).__name__}; the log has it")
            return False
        return True

    async def _pass(self) -> None:
        commit = await self._git.look()
        if not (self.source.workspace and self.source.group):
            await self._take_over(commit)
        await self._report()
        if not self._turn.acting:
            self._tell("standby", f"{self._turn.holder} has the turn")
            return
        standing = await self._server.standing()
        self._observe(commit, standing)
        step = next_step(self.source, commit, standing, self._tried, self._turn.orders)
        if isinstance(step, Rest):
            self._tell(step.state, step.why or self._rewritten(), findings=step.findings)
            return
        self._tell("syncing", "")
        checkout = await self._fetched(commit, standing)
        if isinstance(step, Compare):
            decided = await self._compare(checkout, standing, step)
            if decided is None:
                return
            step = decided
        await self._publish(checkout, standing, step)

    @property
    def _server(self) -> Server:
        return Server(self._client, self.source, self._holder)

    async def _take_over(self, commit: str) -> None:
        """What the documents say of themselves now holds from now on: a later commit cannot move to another group."""
        checkout = await self._git.fetch(commit, "")
        self.source = owned(self.source, checkout.documents)
        self.status = replace(self.status, source=self.source)

    def _observe(self, commit: str, standing: Standing) -> None:
        served = self.source.commit_in(standing.source)
        self.status = replace(
            self.status, commit=commit, served=served, revision=standing.revision, looked_at_s=self._now_s()
        )

    async def _fetched(self, commit: str, standing: Standing) -> Checkout:
        """Raises RepositoryTrouble. The verdict on a commit that cannot be read is remembered."""
        before = self.source.commit_in(standing.source)
        try:
            checkout = await self._keeping_the_turn(self._git.fetch(commit, before))
            if not checkout.documents:
                where = f'"{self.source.path}"' if self.source.path else "the repository"
                text = f"commit {commit[:12]} has no documents in {where}; an empty configuration is never published"
                raise RepositoryTrouble(text, again=False)
            if problem := disagreement(self.source, checkout.documents):
                raise RepositoryTrouble(problem, again=False)
        except RepositoryTrouble as trouble:
            if not trouble.again:
                self._tried = Tried(commit, standing.head, "refused", trouble.message, trouble.findings)
            raise
        rewritten = before if checkout.follows is False or (checkout.follows is None and before) else ""
        self.status = replace(
            self.status,
            author=checkout.author,
            message=checkout.message,
            committed_at_s=checkout.committed_at_s,
            rewritten=rewritten,
        )
        if rewritten:
            self._log.warning("history was rewritten", before=before, commit=commit)
        return checkout

    async def _compare(self, checkout: Checkout, standing: Standing, step: Compare) -> Sync | None:
        """Whether a suspended source may go on, or how a reporting one differs; None when nothing is to be done."""
        wanted = {document.path: document.content for document in checkout.documents}
        if step.changed_by_hand:
            before = await self._server.documents_before(step.changed_by_hand)
            now = await self._server.documents(step.changed_by_hand)
            paths = paths_that_differ(before, now)
            if paths and changed_again(paths, before, wanted) and self.source.mode == "enforce":
                self._log.info("resumed: what was changed by hand was changed again", commit=step.commit)
                return Sync(step.commit, standing.head)
            why = f"{suspension(self.source, standing)}: {few_of(sorted(paths))}"
            self._settle(Tried(step.commit, standing.head, "suspended", why), "suspended")
            return None
        differing = sorted(paths_that_differ(await self._server.documents(standing.revision), wanted))
        if differing:
            why = f"{len(differing)} documents differ from what is served: {few_of(differing)}"
            self._settle(Tried(step.commit, standing.head, "drifted", why), "drifted")
        else:
            self._settle(Tried(step.commit, standing.head, "published"), "synced")
        return None

    async def _publish(self, checkout: Checkout, standing: Standing, step: Sync) -> None:
        if step.corrects:
            self._log.warning("the workspace was changed by hand, and is put back", author=step.corrects)
        try:
            answer = await self._server.publish(checkout, step, standing.revision)
        except FairleadError as error:
            if error.status in _NO_VERDICT:
                raise
            tried = Tried(checkout.commit, standing.head, "refused", error.message, error.findings)
            self._settle(tried, "refused")
            return
        revision = answer.revision
        self._tried = Tried(checkout.commit, revision.number, "published")
        served = self.source.commit_in(revision.source)
        self.status = replace(self.status, served=served or checkout.commit, revision=revision.number)
        self._tell("synced", self._rewritten())
        if answer.created:
            self._log.info("published", commit=checkout.commit, revision=revision.number, group=revision.group)
            await self._following.follow(self._server.follow(revision.number))

    def _settle(self, tried: Tried, state: Shown) -> None:
        """A verdict, remembered with its words: they are still there when the server was away in between."""
        self._tried = tried
        self._tell(state, tried.why, findings=tried.findings)

    def _rewritten(self) -> str:
        before = self.status.rewritten
        return f"the history was rewritten: {before[:12]} is no ancestor that could be found" if before else ""

    def _tell(self, state: Shown, why: str, *, findings: tuple[Finding, ...] = ()) -> None:
        status = self.status
        if state not in (status.state, "syncing"):
            told = self._log.info if state in ("synced", "paused") else self._log.warning
            told("source", state=state, why=why, commit=status.commit, findings=[str(each) for each in findings[:5]])
        moved = state != status.state
        self.status = replace(
            status,
            state=state,
            why=why,
            findings=findings,
            since_s=self._now_s() if moved else status.since_s,
        )

    def _progressed(self, progress: pb.Progress) -> None:
        """Count the gateways that have the newest revision."""
        self.status = replace(
            self.status,
            nodes_acked=progress.nodes_acked,
            nodes_total=progress.nodes_total,
            nodes_rejected=progress.nodes_rejected,
        )
        told = {"revision": progress.revision, "commit": self.status.served}
        for rejection in progress.rejections:
            self._log.warning("rejected", node=rejection.node, message=rejection.message, **told)
