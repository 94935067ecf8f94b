"""Whatever happens to Envoys, in any order: one serves at a time, all that is asked to end does, and a stop is done."""

from __future__ import annotations

from itertools import repeat

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from agents.node.envoy.decisions import Decisions, Done, FallBack, How, Send, Start
from agents.node.envoy.facts import Exit, Phase
from agents.node.envoy.life import Life, Limits

LIMITS = Limits()
SECONDS = st.floats(0, 90)
STATUSES = st.sampled_from([0, 1, -6, -9, -11, -15, None])


class Lives(RuleBasedStateMachine):
    """`alive`: the processes that there are; `mortal`: those that cannot go on for ever, for they were signalled."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(LIMITS, repeat(0.5))
        self.now_s = 0.0
        self.alive: set[int] = set()
        self.mortal: set[int] = set()
        self.done = False
        self.stopping = False
        self.crashes_on_trial: int | None = None
        self.carry_out(self.life.begin(0.0))

    def carry_out(self, decisions: Decisions) -> None:
        for each in decisions:
            assert not self.done, f"{each} after it was done"
            match each:
                case Start(number, takes_over):
                    assert not self.stopping
                    assert number not in self.alive
                    assert takes_over == (self.life.current != number)
                    if takes_over:
                        assert self.alive == {self.life.current}, "a predecessor's clients would be cut off"
                    self.alive.add(number)
                case Send(number, how):
                    assert how is not How.END or self.life.coming is None or self.stopping
                    self.mortal.add(number)
                case FallBack():
                    assert self.crashes_on_trial is not None
                    assert self.crashes_on_trial >= LIMITS.crashes
                    self.crashes_on_trial = None
                case Done():
                    assert not self.alive
                    self.done = True

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.life.due_s is not None and self.life.due_s <= until_s:
            self.now_s = max(self.now_s, self.life.due_s)
            self.carry_out(self.life.tick(self.now_s))
        self.now_s = until_s

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), status=STATUSES)
    def one_ends(self, data: st.DataObject, status: int | None) -> None:
        self.ends(data.draw(st.sampled_from(sorted(self.alive))), status)

    def ends(self, number: int, status: int | None) -> None:
        self.alive.discard(number)
        self.mortal.discard(number)
        exit = Exit(status, self.life.asked(number))
        if self.crashes_on_trial is not None and number == self.life.current:
            self.crashes_on_trial += 1
        self.carry_out(self.life.exited(number, exit, self.now_s))

    @precondition(lambda self: self.life.current in self.alive)
    @rule()
    def the_start_turns_out_to_have_failed(self) -> None:
        number = self.life.coming or self.life.current
        assert number is not None
        if number in self.alive and number not in self.mortal:
            self.alive.discard(number)
            if self.crashes_on_trial is not None:
                self.crashes_on_trial += 1
            self.carry_out(self.life.could_not_start(number, "no such file", self.now_s))

    @rule(live=st.booleans(), data=st.data())
    def the_admin_interface_answers(self, live: bool, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([None, *sorted(self.alive)]))
        self.carry_out(self.life.answered(live, self.now_s, number))

    @rule(absent=st.booleans())
    def the_admin_interface_does_not_answer(self, absent: bool) -> None:
        self.carry_out(self.life.silent(self.now_s, absent=absent))

    @rule(proven=st.booleans())
    def a_generation_is_applied(self, proven: bool) -> None:
        # Crashes with what came shortly before count as well.
        self.crashes_on_trial = None if proven else (self.crashes_on_trial or 0)
        self.carry_out(self.life.applied("7", self.now_s, proven=proven))

    @rule()
    def a_takeover_is_asked_for(self) -> None:
        self.carry_out(self.life.take_over(self.now_s))

    @rule()
    def a_drained_restart_is_asked_for(self) -> None:
        self.carry_out(self.life.restart_drained(self.now_s))

    @rule()
    def nobody_is_connected(self) -> None:
        self.carry_out(self.life.drained(self.now_s))

    @rule()
    def a_stop_is_asked_for(self) -> None:
        self.stopping = True
        self.carry_out(self.life.stop(self.now_s))

    @rule()
    def a_hurry_is_asked_for(self) -> None:
        self.stopping = True
        self.carry_out(self.life.hurry(self.now_s))

    @invariant()
    def it_is_ready_only_with_a_process(self) -> None:
        assert not self.life.ready or self.life.current in self.alive

    @invariant()
    def it_never_just_waits(self) -> None:
        """There is a process, or something is due, or all is over."""
        assert self.alive or self.life.due_s is not None or self.done

    @invariant()
    def whatever_was_left_behind_is_ended_in_time(self) -> None:
        for number in self.life.leaving:
            assert number in self.mortal or self.life.due_s is not None

    def teardown(self) -> None:
        """A stop, and an Envoy that ends when it is signalled: then it is over in bounded time."""
        if not self.stopping:
            self.a_stop_is_asked_for()
        for _ in range(20):
            for number in sorted(self.mortal & self.alive):
                self.ends(number, -9)
            if self.done:
                return
            assert self.life.due_s is not None
            self.time_passes(max(0.0, self.life.due_s - self.now_s))
        raise AssertionError(f"a stop is not done: {self.life}")


def test_lives_of_any_kind() -> None:
    run_state_machine_as_test(Lives)


@given(st.lists(SECONDS, min_size=1, max_size=40))
def test_a_wait_is_never_longer_than_the_limit(lives_s: list[float]) -> None:
    life, now_s = Life(LIMITS, repeat(1.0)), 0.0
    life.begin(now_s)
    for number, lived_s in enumerate(lives_s, start=1):
        life.answered(True, now_s)
        now_s += lived_s
        life.exited(number, Exit(-11), now_s)
        assert life.phase is Phase.WAITING
        assert life.due_s is not None
        assert 0 < life.due_s - now_s <= LIMITS.backoff_longest_s + 1e-6
        now_s = life.due_s
        assert life.tick(now_s) == (Start(number + 1),)
