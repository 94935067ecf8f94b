"""What a source does about a commit, as tables: given what the server says, and what was tried before."""

from __future__ import annotations

import pytest

from agents.gitops.judgement import (
    Compare,
    Rest,
    Standing,
    Step,
    Sync,
    Tried,
    changed_again,
    is_meant_beyond_budgets,
    next_step,
    paths_that_differ,
)
from agents.gitops.schedule import BACKOFF_LIMIT_S, Schedule
from agents.gitops.sources import Mode, Remote, Source
from api.errors import Finding
from snapshots.store.syncs import SyncOrders

OLD, NEW = "a" * 40, "b" * 40
URL = "https://git.example.com/shop/edge.git"


def a_source(mode: Mode = "enforce") -> Source:
    return Source("shop", Remote(URL), branch="main", path="production", workspace="shop", group="edge", mode=mode)


def standing(commit: str = OLD, **more: int) -> Standing:
    return Standing(head=5, revision=4, source=a_source().words_for(commit), author="Ada", **more)


BY_HAND = Standing(head=5, revision=5, source="/home/ada/site", author="ada@laptop")


@pytest.mark.parametrize(
    ("commit", "server", "tried", "step"),
    [
        pytest.param(NEW, Standing(), None, Sync(NEW, 0), id="a group that does not exist yet"),
        pytest.param(NEW, Standing(head=5), None, Sync(NEW, 5), id="a workspace that does not exist yet"),
        pytest.param(NEW, standing(), None, Sync(NEW, 5), id="a new commit"),
        pytest.param(OLD, standing(), None, Rest("synced"), id="a commit that is served"),
        pytest.param(OLD, BY_HAND, None, Sync(OLD, 5, "ada@laptop"), id="a change by hand is put back"),
        pytest.param(NEW, standing(), Tried(NEW, 5, "published"), Rest("synced"), id="a commit that changed nothing"),
        pytest.param(NEW, standing(), Tried(NEW, 4, "refused"), Sync(NEW, 5), id="refused, and the group has moved"),
        pytest.param(NEW, standing(), Tried(OLD, 5, "refused"), Sync(NEW, 5), id="another commit was refused"),
        pytest.param(NEW, standing(rolled_back_to=2), None, Compare(NEW, 4), id="rolled back by hand"),
    ],
)
def test_what_to_do_about_a_commit(commit: str, server: Standing, tried: Tried | None, step: Step) -> None:
    assert next_step(a_source(), commit, server, tried, SyncOrders()) == step


def test_a_refused_commit_is_not_tried_again_until_something_changes() -> None:
    step = next_step(a_source(), NEW, standing(), Tried(NEW, 5, "refused"), SyncOrders())
    assert isinstance(step, Rest)
    assert step.state == "refused"


def test_a_verdict_keeps_its_words_and_findings() -> None:
    finding = Finding("E0301", "no such field", "web.yaml", 7)
    tried = Tried(NEW, 5, "refused", "1 error", (finding,))
    assert next_step(a_source(), NEW, standing(), tried, SyncOrders()) == Rest("refused", "1 error", (finding,))


def test_a_suspended_source_says_by_whom_and_what_resumes_it() -> None:
    step = next_step(a_source(), NEW, standing(rolled_back_to=2), Tried(NEW, 5, "suspended"), SyncOrders())
    assert isinstance(step, Rest)
    assert step.state == "suspended"
    assert "Ada" in step.why
    assert "revision 2" in step.why


def test_a_paused_source_does_nothing_and_a_reporting_one_compares() -> None:
    paused = next_step(a_source("paused"), NEW, standing(), None, SyncOrders())
    assert isinstance(paused, Rest)
    assert paused.state == "paused"
    assert next_step(a_source("report"), NEW, standing(), None, SyncOrders()) == Compare(NEW)
    assert next_step(a_source("report"), OLD, standing(), None, SyncOrders()) == Rest("synced")


BEFORE = {"web": b"2", "api": b"2", "same": b"1"}
ROLLED_BACK = {"web": b"1", "same": b"1"}


@pytest.mark.parametrize(
    ("wanted", "resumes"),
    [
        pytest.param(BEFORE, False, id="nothing changed"),
        pytest.param({**BEFORE, "same": b"9"}, False, id="an unrelated document"),
        pytest.param({**BEFORE, "web": b"3"}, False, id="one of two"),
        pytest.param({**BEFORE, "web": b"3", "api": b"3"}, True, id="both"),
        pytest.param({"web": b"3", "same": b"1"}, True, id="one changed, one removed"),
        pytest.param(ROLLED_BACK, True, id="the repository agrees with the rollback"),
    ],
)
def test_what_was_rolled_back_must_all_be_changed_again(wanted: dict[str, bytes], resumes: bool) -> None:
    paths = paths_that_differ(BEFORE, ROLLED_BACK)
    assert paths == {"web", "api"}
    assert changed_again(paths, BEFORE, wanted) is resumes


def test_what_differs_is_told_by_path() -> None:
    assert paths_that_differ({"a": b"1", "b": b"1"}, {"b": b"2", "c": b"1"}) == {"a", "b", "c"}


def test_people_suspend_and_resume() -> None:
    suspended = next_step(a_source(), NEW, standing(), None, SyncOrders(suspended_by="ada", suspended_why="the sale"))
    assert isinstance(suspended, Rest)
    assert suspended.state == "suspended"
    assert "ada" in suspended.why
    assert "the sale" in suspended.why
    rolled_back, tried = standing(rolled_back_to=2), Tried(NEW, 5, "suspended")
    assert next_step(a_source(), NEW, rolled_back, tried, SyncOrders(resumed_revision=4)) == Sync(NEW, 5)
    assert isinstance(next_step(a_source(), NEW, rolled_back, tried, SyncOrders(resumed_revision=3)), Rest)


def test_what_was_published_by_breaking_the_glass_is_not_put_back() -> None:
    emergency = Standing(head=5, revision=5, source="break-glass: /home/ada/site", author="ada@laptop")
    assert next_step(a_source(), NEW, emergency, None, SyncOrders()) == Compare(NEW, 5)
    assert next_step(a_source(), NEW, emergency, None, SyncOrders(resumed_revision=5)) == Sync(NEW, 5, "ada@laptop")


def test_a_record_names_the_commit_of_its_own_source_only() -> None:
    source = a_source()
    assert source.commit_in(source.words_for(NEW)) == NEW
    assert source.commit_in(f"{URL}@{NEW}:staging") == ""
    assert source.commit_in(f"{URL}2@{NEW}:production") == ""
    assert source.commit_in("") == ""


def test_the_same_commit_on_the_same_revision_has_one_key() -> None:
    source = a_source()
    assert source.idempotency_key(NEW, 4) == a_source().idempotency_key(NEW, 4)
    assert len({source.idempotency_key(commit, base) for commit in (OLD, NEW) for base in (4, 5)}) == 4


@pytest.mark.parametrize(
    ("message", "is_meant"),
    [
        ("Remove half", False),
        ("Remove half\n\nFairlead-Beyond-Budgets: yes\n", True),
        ("Remove half\n\nSigned-off-by: Ada\nfairlead-beyond-budgets: Yes", True),
        ("Remove half\n\nFairlead-Beyond-Budgets: no", False),
        ("Fairlead-Beyond-Budgets: yes\n\nis what one would write", False),
        ("", False),
    ],
)
def test_a_commit_says_that_it_is_meant_beyond_budgets(message: str, is_meant: bool) -> None:
    assert is_meant_beyond_budgets(message) is is_meant


def test_looks_are_spread_and_rarer_after_failures() -> None:
    schedule = Schedule(30)
    assert (schedule.wait_s(0, 0), schedule.wait_s(0, 0.5), schedule.wait_s(0, 1)) == pytest.approx((27, 30, 33))
    assert schedule.wait_s(2, 0.5) == pytest.approx(120)
    assert schedule.wait_s(1_000_000, 0.5) == pytest.approx(BACKOFF_LIMIT_S)
    assert Schedule(3600).wait_s(9, 0.5) == pytest.approx(3600)
