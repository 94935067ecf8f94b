"""What to do about a commit, given what the server serves. Pure.

All that matters is read from the server's own records: which commit a workspace was published from, whether somebody
changed it by hand or rolled it back. What is remembered here saves work and nothing else: a process that starts again
comes to the same judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from agents.gitops.sources import Source
from api.errors import Finding
from snapshots.store.syncs import BROKEN_GLASS, SyncOrders

BEYOND_BUDGETS = "fairlead-beyond-budgets: yes"
Outcome = Literal["published", "refused", "suspended", "drifted"]
State = Literal["synced", "refused", "suspended", "drifted", "paused"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the server says of the source's workspace. `head` is the group's newest revision, `revision` the one that
    last changed the workspace (0: none), `source` where its record says that it came from."""

    head: int = 0
    revision: int = 0
    source: str = ""
    author: str = ""
    rolled_back_to: int = 0

    @property
    def by_hand(self) -> bool:
        """Whether somebody meant what is served to be other than the repository says."""
        return bool(self.rolled_back_to) or self.source.startswith(BROKEN_GLASS)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a commit on top of a head: the same again would come to the same."""

    commit: str
    head: int
    outcome: Outcome
    why: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do. `why` is a sentence for people, empty where the state says it all; `findings` say where."""

    state: State
    why: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Sync:
    """Publish the commit on top of revision `base`; `corrects` who changed the workspace by hand, if anybody did."""

    commit: str
    base: int
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """Look at the commit's documents before anything else: were those that revision `changed_by_hand` changed
    changed again, or (with 0) how do they differ from what is served?"""

    commit: str
    changed_by_hand: int = 0


Step = Rest | Sync | Compare


def next_step(source: Source, commit: str, standing: Standing, tried: Tried | None, orders: SyncOrders) -> Step:
    """What to do now that the source is at `commit`; `orders` is what people asked."""
    if source.mode == "paused":
        return Rest("paused", "the source is paused in its settings; what is served stays")
    if orders.suspended_by:
        return Rest("suspended", _ordered_suspension(source, orders))
    resumed = standing.by_hand and orders.resumed_revision == standing.revision
    if tried is not None and (tried.commit, tried.head) == (commit, standing.head):
        if tried.outcome != "suspended":
            return _settled(tried)
        if not resumed:
            return Rest("suspended", tried.why or suspension(source, standing))
    if standing.by_hand and not resumed:
        return Compare(commit, changed_by_hand=standing.revision)
    if standing.revision and source.commit_in(standing.source) == commit:
        return Rest("synced")
    if source.mode == "report":
        return Compare(commit)
    other = bool(standing.revision) and not source.commit_in(standing.source)
    return Sync(commit, standing.head, standing.author if other else "")


def _settled(tried: Tried) -> Rest:
    return Rest("synced" if tried.outcome == "published" else tried.outcome, tried.why, tried.findings)


def is_meant_beyond_budgets(message: str) -> bool:
    """Whether a commit says that it is meant to remove or add more than a budget allows: by a line of its last
    paragraph, `Fairlead-Beyond-Budgets: yes`."""
    trailers = message.rstrip().rpartition("\n\n")[2]
    return any(line.strip().lower() == BEYOND_BUDGETS for line in trailers.splitlines())


def suspension(source: Source, standing: Standing) -> str:
    """Why a source waits, and what it waits for."""
    who = standing.author or "somebody"
    back = standing.rolled_back_to
    what = f"rolled the workspace back to revision {back}" if back else "changed the workspace by hand"
    return (
        f"{who} {what} (revision {standing.revision}); it goes on by `fairlead sync resume {source.workspace}`, "
        "or with a commit that changes again every document that was changed so"
    )


def _ordered_suspension(source: Source, orders: SyncOrders) -> str:
    why = f": {orders.suspended_why}" if orders.suspended_why else ""
    return f"{orders.suspended_by} suspended it{why}; `fairlead sync resume {source.workspace}` goes on"


Documents = Mapping[str, bytes]


def paths_that_differ(before: Documents, now: Documents) -> frozenset[str]:
    """The documents that one change made different: by path, removed and added ones among them."""
    return frozenset(path for path in {*before, *now} if before.get(path) != now.get(path))


def changed_again(paths: frozenset[str], before: Documents, wanted: Documents) -> bool:
    """Whether `wanted` changes every one of `paths` from what was there `before` the change by hand.

    Each of them: a commit that mends one of two would bring the other back as it was, and nobody said that.
    """
    return all(before.get(path) != wanted.get(path) for path in paths)
