"""What is beyond a budget, and in which words: the numbers, the limit, what to do."""

from __future__ import annotations

import pytest

from snapshots.checks.budgets import UNLIMITED, Budgets, Weighing, Weight, over_budget

MIB = 1024 * 1024


def a_weighing(before: int, after: int, removed: int = 0, *, group: int = 0, size_bytes: int = 0) -> Weighing:
    whole = Weight(group or after, size_bytes)
    return Weighing("shop", Weight(before, before), Weight(after, size_bytes or after), removed, "edge", whole)


@pytest.mark.parametrize(
    ("weighing", "budgets", "own", "expected"),
    [
        (a_weighing(0, 5), Budgets(), UNLIMITED, []),
        (a_weighing(0, 0), Budgets(), UNLIMITED, []),
        (a_weighing(10, 10, group=30), Budgets(resources=20), UNLIMITED, ["E0603 group edge would have 30 resources"]),
        (a_weighing(10, 10), UNLIMITED, Budgets(resources=9), ["E0603 workspace shop would have 10 resources"]),
        (
            a_weighing(1, 1, size_bytes=2 * MIB),
            Budgets(size_bytes=MIB),
            UNLIMITED,
            ["E0604 group edge would have 2,097,152"],
        ),
        (a_weighing(200, 2_000), Budgets(), UNLIMITED, []),
        (a_weighing(200, 2_001), Budgets(), UNLIMITED, ["E0605 workspace shop would grow from 200 to 2,001 resources"]),
        (a_weighing(2, 1_000), Budgets(), UNLIMITED, []),
        (a_weighing(0, 50_000), Budgets(), UNLIMITED, []),
        (
            a_weighing(2_000, 3_001),
            Budgets(),
            Budgets(growth_percent=50),
            ["E0605 workspace shop would grow from 2,000"],
        ),
        (a_weighing(20, 18, 2), Budgets(), UNLIMITED, []),
        (
            a_weighing(20, 17, 3),
            Budgets(),
            UNLIMITED,
            ["E0606 this removes 3 of 20 resources of workspace shop (15 %)"],
        ),
        (a_weighing(20, 19, 1), Budgets(), Budgets(removed_percent=0), ["E0606 this removes 1 of 20 resources"]),
        (a_weighing(20, 40, 10), Budgets(removed_percent=50), UNLIMITED, []),
        (a_weighing(20, 0, 20), Budgets(), UNLIMITED, ["E0607 workspace shop would have nothing left of 20"]),
        (a_weighing(20, 0, 20), UNLIMITED, UNLIMITED, ["E0607 workspace shop would have nothing left of 20"]),
    ],
)
def test_what_is_beyond_a_budget_is_told_in_numbers(
    weighing: Weighing, budgets: Budgets, own: Budgets, expected: list[str]
) -> None:
    found = over_budget(weighing, budgets, own)
    assert len(found) == len(expected)
    for finding, words in zip(found, expected, strict=True):
        assert f"{finding.code} {finding.message}".startswith(words)
        assert "--yes" in finding.suggestion
