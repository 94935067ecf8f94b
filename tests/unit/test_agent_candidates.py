"""Whose turn it is among an agent's upstreams."""

from __future__ import annotations

from agents.node.upstream.candidates import FIRST_ANSWER_S, LONGEST_ANSWER_S, Candidates


def test_those_that_fail_are_passed_by_in_their_order_and_a_round_ends_with_the_last() -> None:
    candidates = Candidates(3)
    turns = [(candidates.current, candidates.failed()) for _ in range(6)]
    assert turns == [(0, False), (1, False), (2, True), (0, False), (1, False), (2, True)]


def test_after_a_stream_that_served_the_first_is_asked_again() -> None:
    candidates = Candidates(3)
    candidates.failed()
    candidates.answered()
    candidates.lost()
    assert candidates.current == 0


def test_an_earlier_one_that_is_there_again_is_taken() -> None:
    candidates = Candidates(3)
    candidates.failed()
    candidates.failed()
    candidates.take(1)
    assert candidates.current == 1


def test_after_rounds_in_vain_an_answer_may_take_longer_but_not_for_ever() -> None:
    candidates = Candidates(2)
    patience_s = []
    for _ in range(16):
        patience_s.append(candidates.answer_within_s)
        candidates.failed()
    assert patience_s[:6] == [FIRST_ANSWER_S, FIRST_ANSWER_S, *[2 * FIRST_ANSWER_S] * 2, *[4 * FIRST_ANSWER_S] * 2]
    assert patience_s[-1] == LONGEST_ANSWER_S
    candidates.answered()
    assert candidates.answer_within_s == FIRST_ANSWER_S


def test_one_alone_is_asked_again_and_again() -> None:
    candidates = Candidates(1)
    assert [candidates.failed(), candidates.current, candidates.failed(), candidates.current] == [True, 0, True, 0]
