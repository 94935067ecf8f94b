"""An Envoy's life in fake time: what is decided when, with no process anywhere."""

from __future__ import annotations

from itertools import repeat

import pytest

from agents.node.envoy.decisions import Decision, Decisions, Done, Drain, FallBack, How, Send, Start, Tell
from agents.node.envoy.facts import Exit, Phase
from agents.node.envoy.life import Life, Limits

CRASH, PEACE = Exit(-11), Exit(0)


class Story:
    """A life and its clock; words are left out of what is decided."""

    def __init__(self, **limits: float) -> None:
        self.life = Life(Limits(**limits), repeat(1.0))  # type: ignore[arg-type]  # `crashes` is a number too
        self.now_s = 100.0
        self.told: list[str] = []

    def happens(self, decisions: Decisions) -> list[Decision]:
        self.told += [each.words for each in decisions if isinstance(each, Tell)]
        return [each for each in decisions if not isinstance(each, Tell)]

    def begins(self) -> list[Decision]:
        return self.happens(self.life.begin(self.now_s))

    def runs(self, number: int = 1) -> Story:
        """Process `number` is ready, as the first that was started."""
        assert self.begins() == [Start(number)]
        self.answers()
        return self

    def answers(self, number: int | None = None) -> list[Decision]:
        return self.happens(self.life.answered(True, self.now_s, number))

    def exits(self, number: int, exit: Exit = CRASH) -> list[Decision]:
        return self.happens(self.life.exited(number, exit, self.now_s))

    def stops(self) -> list[Decision]:
        return self.happens(self.life.stop(self.now_s))

    def takes_over(self) -> list[Decision]:
        return self.happens(self.life.take_over(self.now_s))

    def is_silent(self, *, absent: bool = False) -> list[Decision]:
        return self.happens(self.life.silent(self.now_s, absent=absent))

    def later(self, seconds: float) -> Story:
        self.now_s += seconds
        return self

    def ticks(self) -> list[Decision]:
        return self.happens(self.life.tick(self.now_s))

    def waits(self) -> list[Decision]:
        """Until something is due, and what that is."""
        assert self.life.due_s is not None
        self.now_s = self.life.due_s
        return self.ticks()


def test_it_is_running_once_it_says_that_it_is_live() -> None:
    story = Story()
    assert story.begins() == [Start(1)]
    assert story.happens(story.life.answered(False, story.now_s)) == []
    assert (story.life.phase, story.life.ready) == (Phase.STARTING, False)
    story.answers()
    assert (story.life.phase, story.life.ready) == (Phase.RUNNING, True)


def test_each_crash_is_followed_by_a_longer_wait_up_to_a_limit() -> None:
    story = Story(backoff_first_s=0.1, backoff_longest_s=10).runs()
    waits_s = []
    for number in range(1, 11):
        assert story.exits(number) == []
        before_s = story.now_s
        assert story.waits() == [Start(number + 1)]
        waits_s.append(round(story.now_s - before_s, 3))
    assert waits_s == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
    assert story.life.looping
    assert story.life.restarts == 10


def test_jitter_shortens_a_wait_by_up_to_half() -> None:
    life = Life(Limits(backoff_first_s=1), repeat(0.0))
    life.begin(0)
    life.exited(1, CRASH, 5)
    assert life.due_s == 5.5


def test_a_healthy_while_forgets_the_crashes_before() -> None:
    story = Story(healthy_s=30).runs()
    for number in (1, 2, 3):
        story.exits(number)
        story.waits()
    assert story.life.looping
    story.answers()
    story.later(31).answers()
    assert not story.life.looping
    story.exits(4)
    before_s = story.now_s
    story.waits()
    assert story.now_s - before_s == pytest.approx(0.1)


def test_crashes_with_a_new_generation_fall_back_once_before_the_next_start() -> None:
    story = Story(crashes=2, trial_s=120).runs()
    story.life.applied("8", story.now_s, proven=False)
    assert story.later(30).exits(1) == []
    story.waits()
    story.answers()
    [fallback] = story.later(30).exits(2)
    assert isinstance(fallback, FallBack)
    assert (fallback.generation, fallback.why) == (
        "8",
        "Envoy ended by SIGSEGV, 2 times since it was served generation 8",
    )
    assert story.waits() == [Start(3)]
    assert story.exits(3) == []


def test_a_crash_loop_is_one_though_content_changes_between_the_crashes() -> None:
    story = Story(crashes=2, trial_s=120).runs()
    story.life.applied("8", story.now_s, proven=False)
    assert story.later(30).exits(1) == []
    story.waits()
    story.answers()
    story.life.applied("9", story.later(10).now_s, proven=False)
    [fallback] = story.later(30).exits(2)
    assert isinstance(fallback, FallBack)
    assert fallback.generation == "9"
    assert fallback.why.endswith("2 times since it was served generation 9 or what came shortly before")


def test_a_crash_with_what_had_baked_is_not_the_fault_of_what_comes_next() -> None:
    story = Story(crashes=2, trial_s=120).runs()
    story.life.applied("8", story.now_s, proven=False)
    story.life.baked("8")
    assert story.later(30).exits(1) == []
    story.waits()
    story.answers()
    story.life.applied("9", story.later(10).now_s, proven=False)
    assert story.later(30).exits(2) == []


def test_a_crash_long_before_new_content_is_not_its_fault() -> None:
    story = Story(crashes=2, trial_s=120).runs()
    story.life.applied("8", story.now_s, proven=False)
    assert story.exits(1) == []
    story.waits()
    story.answers()
    for generation in ("9", "10", "11"):  # none is served for long enough to end its trial
        story.life.applied(generation, story.later(60).now_s, proven=False)
        story.answers()
    assert story.exits(2) == []


@pytest.mark.parametrize("proven", [True, False])
def test_crashes_after_a_long_healthy_while_or_of_a_proven_generation_do_not_fall_back(proven: bool) -> None:
    story = Story(crashes=2, trial_s=120).runs()
    story.life.applied("8", story.now_s, proven=proven)
    if not proven:
        story.later(120).answers()
    for number in (1, 2, 3):
        assert story.exits(number) == []
        story.waits()
        story.answers()


def test_an_end_in_peace_is_no_crash_and_it_starts_again_all_the_same() -> None:
    story = Story(crashes=1).runs()
    story.life.applied("8", story.now_s, proven=False)
    assert story.exits(1, PEACE) == []
    assert story.waits() == [Start(2)]


def test_what_does_not_answer_for_long_is_aborted_then_killed_and_counts_as_a_crash() -> None:
    story = Story(hang_s=30, abort_s=5, crashes=1).runs()
    story.life.applied("8", story.now_s, proven=False)
    assert [story.later(10).is_silent() for _ in range(3)] == [[], [], [Send(1, How.ABORT)]]
    assert not story.life.ready
    assert story.later(1).is_silent() == []
    assert story.waits() == [Send(1, How.KILL)]
    [fallback] = story.exits(1, Exit(-9, story.life.asked(1)))
    assert isinstance(fallback, FallBack)
    assert story.waits() == [Start(2)]


def test_an_agent_that_was_stopped_itself_asks_again_before_it_calls_envoy_hung() -> None:
    story = Story(hang_s=30).runs()
    assert story.later(3600).is_silent() == []
    story.answers()
    assert story.later(1).is_silent() == []


def test_an_answer_in_time_starts_the_count_anew() -> None:
    story = Story(hang_s=30).runs()
    for _ in range(10):
        assert story.later(10).is_silent() == []
        assert story.later(10).is_silent() == []
        story.answers()


def test_an_envoy_that_never_opens_its_admin_interface_hangs() -> None:
    story = Story(hang_s=30)
    story.begins()
    assert [story.later(10).is_silent(absent=True) for _ in range(3)][-1] == [Send(1, How.ABORT)]


def test_one_found_without_its_admin_interface_is_left_alone_and_taken_to_serve() -> None:
    story = Story(hang_s=30)
    story.life.adopt(1, story.now_s)
    for _ in range(20):
        assert story.later(10).is_silent(absent=True) == []
    assert (story.life.ready, story.life.sighted, story.life.phase) == (True, False, Phase.RUNNING)
    assert story.takes_over() == [Start(2, takes_over=True)]


def test_a_stop_turns_away_drains_and_ends_each_in_its_time() -> None:
    story = Story(drain_delay_s=5, drain_s=30, end_s=10).runs()
    assert story.stops() == []
    assert (story.life.phase, story.life.due_s) == (Phase.TURNING_AWAY, 105)
    assert story.waits() == [Drain()]
    assert story.life.due_s == 135
    assert story.waits() == [Send(1, How.END)]
    assert story.life.due_s == 145
    assert story.waits() == [Send(1, How.KILL)]
    assert story.exits(1, Exit(-9, story.life.asked(1))) == [Done()]
    assert story.life.due_s is None


def test_a_drain_that_is_done_early_ends_early() -> None:
    story = Story().runs()
    story.stops()
    story.waits()
    assert story.happens(story.life.drained(story.now_s)) == [Send(1, How.END)]


def test_a_second_stop_changes_nothing_and_a_hurry_ends_at_once() -> None:
    story = Story(hurry_s=1).runs()
    story.stops()
    assert story.later(1).stops() == []
    assert story.happens(story.life.hurry(story.now_s)) == [Send(1, How.END)]
    assert story.life.due_s == story.now_s + 1


def test_one_that_serves_nobody_yet_is_ended_without_a_drain() -> None:
    story = Story()
    story.begins()
    assert story.stops() == [Send(1, How.END)]


def test_one_that_was_found_running_is_drained_even_before_it_has_said_anything() -> None:
    story = Story()
    story.life.adopt(1, story.now_s)
    assert story.stops() == []
    assert story.life.phase is Phase.TURNING_AWAY


def test_a_stop_while_it_waits_for_its_next_start_is_done_at_once() -> None:
    story = Story().runs()
    story.exits(1)
    assert story.stops() == [Done()]
    assert story.life.due_s is None


def test_a_crash_while_it_drains_is_the_end_and_not_a_restart() -> None:
    story = Story().runs()
    story.stops()
    assert story.exits(1) == [Done()]


def test_the_next_epoch_takes_over_and_the_old_one_gets_its_time() -> None:
    story = Story(parent_shutdown_s=45, end_s=10).runs()
    assert story.takes_over() == [Start(2, takes_over=True)]
    assert story.life.ready
    assert story.answers(1) == []
    assert story.life.phase is Phase.REPLACING
    assert story.answers(2) == []
    assert (story.life.phase, story.life.current, story.life.leaving) == (Phase.RUNNING, 2, (1,))
    assert story.waits() == [Send(1, How.KILL)]
    assert story.now_s == 155
    assert story.exits(1) == []
    assert story.life.restarts == 0


def test_a_takeover_waits_until_the_one_before_has_finished() -> None:
    story = Story().runs()
    story.takes_over()
    story.answers(2)
    assert story.takes_over() == []
    assert story.answers() == []
    story.exits(1, PEACE)
    assert story.answers() == [Start(3, takes_over=True)]


def test_a_successor_that_is_not_ready_in_time_is_killed_never_asked_and_the_old_one_goes_on() -> None:
    story = Story(takeover_s=60).runs()
    story.takes_over()
    assert story.waits() == [Send(2, How.KILL)]
    assert story.now_s == 160
    assert story.answers(2) == []
    assert story.exits(2, Exit(-9, story.life.asked(2))) == []
    assert (story.life.current, story.life.ready, story.life.sighted) == (1, True, False)
    assert story.told == [
        "the new Envoy did not take over: it killed, for it was not ready after 60 s. The old one goes on"
    ]


def test_a_successor_that_cannot_be_started_leaves_all_as_it_was() -> None:
    story = Story().runs()
    story.takes_over()
    assert story.happens(story.life.could_not_start(2, "no such file", story.now_s)) == []
    assert (story.life.phase, story.life.current) == (Phase.RUNNING, 1)
    story.answers()
    assert story.life.sighted


def test_when_the_old_one_crashes_meanwhile_its_successor_goes_on_alone() -> None:
    story = Story().runs()
    story.takes_over()
    assert story.exits(1) == []
    assert (story.life.phase, story.life.current) == (Phase.STARTING, 2)
    story.answers()
    assert story.life.ready


def test_a_stop_during_a_takeover_kills_the_successor_and_drains_the_one_that_serves() -> None:
    story = Story().runs()
    story.takes_over()
    assert story.stops() == [Send(2, How.KILL)]
    assert story.exits(2, Exit(-9, story.life.asked(2))) == []
    assert story.life.phase is Phase.TURNING_AWAY
    assert story.waits() == [Drain()]


def test_a_restart_after_a_drain_starts_another_when_the_first_has_ended() -> None:
    story = Story().runs()
    assert story.happens(story.life.restart_drained(story.now_s)) == []
    assert story.waits() == [Drain()]
    assert story.waits() == [Send(1, How.END)]
    assert story.exits(1, Exit(0, story.life.asked(1))) == [Start(2)]


def test_a_restart_of_one_that_serves_nobody_ends_it_first() -> None:
    story = Story()
    story.begins()
    assert story.takes_over() == [Send(1, How.END)]
    assert story.exits(1, Exit(0, story.life.asked(1))) == [Start(2)]


def test_of_two_that_are_found_the_newer_takes_over_when_it_says_that_it_is_live() -> None:
    story = Story()
    story.life.adopt(2, story.now_s)
    assert story.life.phase is Phase.REPLACING
    story.answers(2)
    assert (story.life.current, story.life.leaving) == (2, (1,))


@pytest.mark.parametrize(
    ("exit", "words"),
    [
        (Exit(-9), "killed (perhaps out of memory)"),
        (Exit(-9, "for it had not answered for 30 s"), "killed, for it had not answered for 30 s"),
        (Exit(-11), "ended by SIGSEGV"),
        (Exit(-200), "ended by signal 200"),
        (Exit(1), "exited with code 1"),
        (Exit(None), "ended; how is not known, for it was no child of this agent"),
    ],
)
def test_an_exit_is_told_in_words(exit: Exit, words: str) -> None:
    assert str(exit) == words
