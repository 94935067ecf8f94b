"""When changed paths are looked at: at once where a save is whole, later where it may be half done; and the whole."""

from __future__ import annotations

import pytest

from xds.server.directory_news import Pace
from xds.server.pending_paths import LONGEST_S, PASSING_S, QUIET_S, PendingPaths


def test_a_whole_file_is_due_after_a_moment() -> None:
    pending = PendingPaths()
    pending.tell("a.yaml", 10.0, passing=False)
    assert pending.due_s == 10.0 + QUIET_S
    assert pending.take() == {"a.yaml"}
    assert not pending


def test_a_file_that_went_is_waited_for_until_it_is_there_again() -> None:
    pending = PendingPaths()
    pending.tell("a.yaml", 10.0, passing=True)
    assert pending.due_s == 10.0 + PASSING_S
    pending.tell("a.yaml", 10.02, passing=False)
    assert pending.due_s == 10.02 + QUIET_S


def test_files_of_one_save_are_taken_together() -> None:
    pending = PendingPaths()
    pending.tell("a.yaml", 10.0, passing=False)
    pending.tell("b.yaml", 10.005, passing=False)
    assert pending.due_s == 10.005 + QUIET_S
    assert pending.take() == {"a.yaml", "b.yaml"}


def test_what_never_ends_is_taken_all_the_same() -> None:
    pending = PendingPaths()
    for step in range(1000):
        pending.tell(f"{step}.yaml", 10.0 + step * 0.005, passing=True)
    assert pending.due_s == pytest.approx(10.0 + LONGEST_S)
    pending.take()
    pending.tell("a.yaml", 20.0, passing=False)
    assert pending.due_s == 20.0 + QUIET_S


def test_the_whole_is_looked_at_the_more_seldom_the_more_that_costs() -> None:
    pace = Pace(share=0.01, least_s=2.0, most_s=20.0)
    assert [pace.patience_s(look_s) for look_s in (0.001, 0.1, 1.0)] == [2.0, 10.0, 20.0]
