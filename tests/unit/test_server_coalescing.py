"""The coalescer: the first at once, the last always, at most so many in between, and nobody waits for another."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from xds.server.coalescing import Coalescer

INTERVAL_S = 0.1


def a_coalescer() -> Coalescer[str, int]:
    return Coalescer(INTERVAL_S)


def test_the_first_goes_at_once_and_the_next_waits() -> None:
    coalescer = a_coalescer()
    assert coalescer.offer("web", 1, 10.0)
    assert not coalescer.offer("web", 2, 10.05)
    assert coalescer.wake_at_s == 10.1
    assert coalescer.due(10.09) == []
    assert coalescer.due(10.1) == [2]


def test_what_waits_is_replaced_by_what_is_newer() -> None:
    coalescer = a_coalescer()
    coalescer.offer("web", 1, 0.0)
    coalescer.offer("web", 2, 0.01)
    assert coalescer.holds("web")
    coalescer.offer("web", 3, 0.02)
    assert coalescer.due(1.0) == [3]


def test_one_that_is_told_late_rests_from_then_on() -> None:
    coalescer = a_coalescer()
    coalescer.offer("web", 1, 0.0)
    coalescer.offer("web", 2, 0.0)
    coalescer.due(5.0)
    assert not coalescer.offer("web", 3, 5.05)


def test_a_value_that_comes_when_one_is_overdue_takes_its_place() -> None:
    coalescer = a_coalescer()
    coalescer.offer("web", 1, 0.0)
    coalescer.offer("web", 2, 0.0)
    assert coalescer.offer("web", 3, 0.5)
    assert coalescer.due(9.0) == []


def test_a_storm_on_one_delays_no_other() -> None:
    coalescer = a_coalescer()
    for number in range(100):
        coalescer.offer("web", number, number / 1000)
    assert coalescer.offer("api", 1, 0.1)


def test_a_thousand_changes_in_a_second_become_about_ten() -> None:
    coalescer = a_coalescer()
    going = 0
    for number in range(1000):
        now_s = number / 1000
        going += len(coalescer.due(now_s)) + coalescer.offer("web", number, now_s)
    last = coalescer.due(1.2)
    assert last == [999]
    assert 9 <= going <= 11


def test_what_rested_long_enough_is_forgotten() -> None:
    coalescer = a_coalescer()
    for number in range(50):
        coalescer.offer(f"c{number}", number, 0.0)
    assert coalescer.due(1.0) == []
    assert coalescer.wake_at_s is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), max_size=60))
def test_the_last_is_delivered_and_none_goes_sooner_than_it_may(steps: list[tuple[str, int]]) -> None:
    coalescer: Coalescer[str, tuple[str, int]] = Coalescer(100)
    now_ms, told, newest = 0, list[tuple[str, int, int]](), dict[str, int]()
    for number, (key, passed_ms) in enumerate(steps):
        while (wake_at := coalescer.wake_at_s) is not None and wake_at <= now_ms + passed_ms:
            told += [(*value, int(wake_at)) for value in coalescer.due(wake_at)]
        now_ms += passed_ms
        newest[key] = number
        if coalescer.offer(key, (key, number), now_ms):
            told.append((key, number, now_ms))
    while (wake_at := coalescer.wake_at_s) is not None:
        told += [(*value, int(wake_at)) for value in coalescer.due(wake_at)]
    for key, last in newest.items():
        numbers = [number for name, number, _ in told if name == key]
        times = [time_ms for name, _, time_ms in told if name == key]
        assert numbers == sorted(numbers)
        assert numbers[-1] == last
        assert all(later - earlier >= 100 for earlier, later in pairwise(times))
