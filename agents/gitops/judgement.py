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


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a commit on top of a head: the same again would come to the same."""

    commit: str
    head: int
    outcome: Literal["published", "refused", "suspended", "drifted"]


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do. `why` is a sentence for people, empty where the state says it all."""

    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sync:
    """Publish the commit on top of revision `base`; `corrects` who changed the workspace by hand, if anybody did."""

    commit: str
    base: int
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """Look at the commit's documents before anything else: were those that were `rolled_back` changed again, or
    (with 0) how do they differ from what is served?"""

    commit: str
    rolled_back: int = 0


Step = Rest | Sync | Compare


def next_step(source: Source, commit: str, standing: Standing, tried: Tried | None) -> Step:
    """What to do now that the source is at `commit`."""
    if source.mode == "paused":
        return Rest("paused", "the source is paused in its settings; what is served stays")
    settled = tried is not None and (tried.commit, tried.head) == (commit, standing.head)
    if settled and tried is not None:
        return _settled(tried, standing)
    if standing.rolled_back_to:
        return Compare(commit, rolled_back=standing.revision)
    if standing.revision and source.commit_in(standing.source) == commit:
        return Rest("synced")
    if source.mode == "report":
        return Compare(commit)
    by_hand = bool(standing.revision) and not source.commit_in(standing.source)
    return Sync(commit, standing.head, standing.author if by_hand else "")


def _settled(tried: Tried, standing: Standing) -> Rest:
    if tried.outcome == "refused":
        return Rest("refused", "the commit was refused; it is tried again when something changes")
    if tried.outcome == "suspended":
        return Rest("suspended", suspension(standing))
    if tried.outcome == "drifted":
        return Rest("drifted", "what is served differs from the repository; this source only reports")
    return Rest("synced")


def suspension(standing: Standing) -> str:
    """Why a source waits, and what it waits for."""
    return (
        f"{standing.author or 'somebody'} rolled the workspace back to revision {standing.rolled_back_to} "
        f"(revision {standing.revision}); a commit that changes all documents that were rolled back resumes the sync"
    )


Documents = Mapping[str, bytes]


def rolled_back_paths(before: Documents, now: Documents) -> frozenset[str]:
    """The documents that a rollback changed: by path, removed and added ones among them."""
    return frozenset(path for path in {*before, *now} if before.get(path) != now.get(path))


def changed_again(paths: frozenset[str], before: Documents, wanted: Documents) -> bool:
    """Whether `wanted` changes every one of `paths` from what was there `before` the rollback.

    Each of them: a commit that mends one of two would bring the other back as it was, and nobody said that.
    """
    return all(before.get(path) != wanted.get(path) for path in paths)


def differing_paths(served: Documents, wanted: Documents) -> tuple[str, ...]:
    """What a repository and a server do not have in common, by path."""
    return tuple(sorted(rolled_back_paths(served, wanted)))
