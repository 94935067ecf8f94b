"""Which objects are new and which are gone, by identity, against the plain way to say it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapshots.difference import difference

THINGS = [[number] for number in range(6)]  # equal to nothing else, and some equal to a copy of theirs
SEQUENCES = st.lists(st.sampled_from(THINGS), max_size=8).map(tuple)


def test_objects_that_are_equal_and_not_the_same_are_told() -> None:
    one, other, both = [1], [1], [2]
    found = difference((one, both), (other, both))
    assert found.gone[0] is one
    assert found.new[0] is other
    assert (len(found.gone), len(found.new)) == (1, 1)


@given(SEQUENCES, SEQUENCES)
def test_it_is_what_stands_on_one_side_only(before: tuple[list[int], ...], after: tuple[list[int], ...]) -> None:
    found = difference(before, after)
    assert {*map(id, before)} - {*map(id, after)} <= {*map(id, found.gone)} <= {*map(id, before)}
    assert {*map(id, after)} - {*map(id, before)} <= {*map(id, found.new)} <= {*map(id, after)}


@given(st.permutations(THINGS), st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_of_things_that_stand_once_it_is_exactly_that(
    things: list[list[int]], without: set[int], beside: set[int]
) -> None:
    before = tuple(each for index, each in enumerate(things) if index not in beside)
    after = tuple(each for index, each in enumerate(things) if index not in without)
    found = difference(before, after)
    assert [*map(id, found.gone)] == [id(each) for each in before if each not in after]
    assert [*map(id, found.new)] == [id(each) for each in after if each not in before]
