"""When a generation is written, becomes good, or is rejected: told as stories, with a clock of their own."""

from __future__ import annotations

from agents.node.generations.baking import (
    BACKOFF_S,
    MOMENT_S,
    RESTLESS_S,
    Baking,
    Done,
    Failed,
    Lost,
    Outcome,
    Promote,
    Reject,
    Transition,
    Write,
    Written,
)

BAKE_S = 60.0


class Story:
    """A machine, a clock, and a disk that does what it is asked; `did` is what that was."""

    def __init__(self, settled_s: float = 0.0) -> None:
        self.baking = Baking(BAKE_S, settled_s=settled_s)
        self.now_s = 0.0
        self.did: list[Transition] = []
        self.full = False
        self.known: dict[str, Outcome] = {}
        self.lost: set[int] = set()
        self._number = 0

    def holds(self, content: str, *, acknowledged: bool = True) -> None:
        self._carry_out(self.baking.holds(content, acknowledged=acknowledged, now_s=self.now_s))

    def healthy(self) -> None:
        self._carry_out(self.baking.healthy(self.now_s))

    def unhealthy(self) -> None:
        self._carry_out(self.baking.unhealthy("not ready", self.now_s))

    def crashed(self) -> None:
        self._carry_out(self.baking.crashed("signal 11", self.now_s))

    def nacked(self, content: str) -> None:
        self._carry_out(self.baking.nacked(content, "no", self.now_s))

    def after(self, seconds: float) -> None:
        """Time passes, and the machine is woken whenever it wants to be."""
        end_s = self.now_s + seconds
        while (wake_s := self.baking.wake_at_s) is not None and wake_s <= end_s:
            assert wake_s >= self.now_s, "it wants to be woken in the past"
            self.now_s = wake_s
            before = len(self.did)
            self._carry_out(self.baking.tick(self.now_s))
            if len(self.did) == before and self.baking.wake_at_s == wake_s:
                raise AssertionError("it wants to be woken for nothing, again and again")
        self.now_s = end_s

    def _carry_out(self, transition: Transition | None) -> None:
        while transition is not None:
            self.did.append(transition)
            transition = self.baking.learn(self._outcome(transition), self.now_s)

    def _outcome(self, transition: Transition) -> Outcome:
        if self.full:
            return Failed("no space")
        if isinstance(transition, Write):
            self._number += 1
            return self.known.get(transition.content, Written(self._number, "candidate"))
        return Lost() if transition.number in self.lost else Done()


def a_gateway() -> Story:
    story = Story()
    story.healthy()
    return story


def test_what_is_acknowledged_bakes_and_becomes_good() -> None:
    story = a_gateway()
    story.holds("a")
    assert story.did == [Write("a")]
    story.after(BAKE_S - 0.1)
    assert story.did == [Write("a")]
    story.after(0.1)
    assert story.did == [Write("a"), Promote(1)]
    story.after(10 * BAKE_S)
    assert story.did == [Write("a"), Promote(1)]


def test_nothing_is_written_before_envoy_has_acknowledged_all_of_it_and_is_healthy() -> None:
    story = Story()
    story.holds("a")
    story.after(BAKE_S)
    assert story.did == []
    story.holds("a", acknowledged=False)
    story.healthy()
    story.after(BAKE_S)
    assert story.did == []
    story.holds("a")
    assert story.did == [Write("a")]


def test_under_constant_change_generations_still_become_good() -> None:
    story = a_gateway()
    for second in range(180):
        story.holds(f"state {second}", acknowledged=False)
        story.holds(f"state {second}")
        story.after(1)
    assert story.did == [
        Write("state 0"),
        Promote(1),
        Write("state 59"),
        Promote(2),
        Write("state 119"),
        Promote(3),
        Write("state 179"),
    ]


def test_what_is_held_after_a_verdict_is_next_once_it_is_acknowledged() -> None:
    story = a_gateway()
    story.holds("a")
    story.holds("b", acknowledged=False)
    story.after(BAKE_S)
    assert story.did == [Write("a"), Promote(1)]
    story.holds("b")
    assert story.did[2:] == [Write("b")]


def test_a_crash_while_it_bakes_rejects_it_and_it_is_not_tried_again() -> None:
    story = a_gateway()
    story.holds("a")
    story.after(30)
    story.crashed()
    assert story.did == [Write("a"), Reject(1, "signal 11")]
    story.holds("a")
    story.healthy()
    story.after(BAKE_S)
    assert story.did == [Write("a"), Reject(1, "signal 11")]
    story.holds("b")
    assert story.did[2:] == [Write("b")]
    story.after(BAKE_S)
    story.holds("a")
    assert story.did[2:] == [Write("b"), Promote(2)], "still the same content"


def test_a_crash_under_newer_content_rejects_the_candidate_and_bars_nothing() -> None:
    """Newer content may be to blame; when it is rolled back, what was before must be able to become good."""
    story = a_gateway()
    story.holds("a")
    story.holds("worse")
    story.crashed()
    story.holds("a")
    story.healthy()
    story.after(BAKE_S)
    assert story.did == [Write("a"), Reject(1, "signal 11"), Write("a"), Promote(2)]


def test_unhealthy_for_a_moment_is_no_verdict() -> None:
    story = a_gateway()
    story.holds("a")
    story.after(10)
    story.unhealthy()
    story.after(MOMENT_S - 0.1)
    story.healthy()
    story.after(BAKE_S)
    assert story.did == [Write("a"), Promote(1)]


def test_unhealthy_for_longer_rejects_it() -> None:
    story = a_gateway()
    story.holds("a")
    story.after(10)
    story.unhealthy()
    story.after(1)
    story.unhealthy()  # told again, and no new beginning
    story.after(MOMENT_S - 1)
    assert story.did == [Write("a"), Reject(1, "Envoy was unhealthy while it baked: not ready")]


def test_unhealthy_for_longer_rejects_it_when_nobody_woke_the_machine_meanwhile() -> None:
    story = a_gateway()
    story.holds("a")
    story.unhealthy()
    story.now_s += MOMENT_S
    story.healthy()
    assert isinstance(story.did[-1], Reject)


def test_the_end_of_the_bake_waits_for_a_moment_of_ill_health_to_pass() -> None:
    story = a_gateway()
    story.holds("a")
    story.after(BAKE_S - 1)
    story.unhealthy()
    story.after(2)
    assert story.did == [Write("a")]
    story.healthy()
    assert story.did == [Write("a"), Promote(1)]


def test_a_nack_of_its_content_rejects_it() -> None:
    story = a_gateway()
    story.holds("a")
    story.nacked("a")
    assert story.did == [Write("a"), Reject(1, "no")]
    story.holds("a")
    assert story.did == [Write("a"), Reject(1, "no")]


def test_a_nack_of_newer_content_is_no_fault_of_the_candidate() -> None:
    story = a_gateway()
    story.holds("a")
    story.holds("b", acknowledged=False)
    story.nacked("b")
    story.after(BAKE_S)
    assert story.did == [Write("a"), Promote(1)]


def test_content_that_is_good_already_is_not_written_again() -> None:
    story = a_gateway()
    story.known["a"] = Written(7, "good")
    story.holds("a")
    story.after(BAKE_S)
    story.holds("a")
    assert story.did == [Write("a")]
    story.holds("b")
    story.after(BAKE_S)
    story.holds("b")
    story.after(BAKE_S)
    assert story.did[1:] == [Write("b"), Promote(2)]


def test_content_that_was_rejected_before_a_restart_does_not_bake_again() -> None:
    story = a_gateway()
    story.known["a"] = Written(7, "rejected")
    story.holds("a")
    story.after(BAKE_S)
    story.holds("a")
    assert story.did == [Write("a")]


def test_a_candidate_found_on_disk_bakes_from_zero() -> None:
    story = a_gateway()
    story.known["a"] = Written(7, "candidate")
    story.after(100)
    story.holds("a")
    story.after(BAKE_S - 0.1)
    assert story.did == [Write("a")]
    story.after(0.1)
    assert story.did == [Write("a"), Promote(7)]


def test_a_disk_that_takes_nothing_is_tried_again_later_and_later() -> None:
    story = a_gateway()
    story.full = True
    story.holds("a")
    for wait_s in BACKOFF_S:
        before = len(story.did)
        story.after(wait_s - 0.1)
        assert len(story.did) == before
        story.after(0.1)
        assert len(story.did) == before + 1
    story.full = False
    story.after(BACKOFF_S[-1] + BAKE_S)
    assert story.did[-2:] == [Write("a"), Promote(1)]


def test_what_is_tried_again_is_what_is_held_by_then() -> None:
    story = a_gateway()
    story.full = True
    story.holds("a")
    story.holds("b")
    story.full = False
    story.after(BACKOFF_S[0])
    assert story.did == [Write("a"), Write("b")]


def test_nothing_is_tried_again_when_nothing_is_to_be_written_any_more() -> None:
    story = a_gateway()
    story.full = True
    story.holds("a")
    story.holds("b", acknowledged=False)
    assert story.baking.wake_at_s is None


def test_a_verdict_that_the_disk_does_not_take_stands_and_is_tried_again() -> None:
    story = a_gateway()
    story.holds("a")
    story.full = True
    story.after(BAKE_S)
    story.crashed()  # after its bake
    story.full = False
    story.after(BACKOFF_S[0])
    assert story.did == [Write("a"), Promote(1), Promote(1)]


def test_a_candidate_that_is_gone_is_written_anew() -> None:
    story = a_gateway()
    story.lost.add(1)
    story.holds("a")
    story.after(2 * BAKE_S)
    assert story.did == [Write("a"), Promote(1), Write("a"), Promote(2)]


def test_a_crash_while_it_is_being_written_rejects_it() -> None:
    baking = Baking(BAKE_S)
    baking.healthy(0)
    assert baking.holds("a", acknowledged=True, now_s=0) == Write("a")
    assert baking.wake_at_s is None
    assert baking.crashed("signal 11", 1) is None
    assert baking.learn(Written(1, "candidate"), 2) == Reject(1, "signal 11")
    assert baking.learn(Done(), 3) is None
    baking.healthy(4)
    assert baking.holds("a", acknowledged=True, now_s=5) is None


def test_only_one_thing_is_asked_for_at_a_time() -> None:
    baking = Baking(BAKE_S)
    baking.healthy(0)
    assert baking.holds("a", acknowledged=True, now_s=0) == Write("a")
    assert baking.holds("b", acknowledged=True, now_s=1) is None
    assert baking.learn(Written(1, "candidate"), 2) is None
    assert baking.tick(2 + BAKE_S) == Promote(1)
    assert baking.tick(3 + BAKE_S) is None
    assert baking.learn(Done(), 4 + BAKE_S) == Write("b")


def test_a_change_that_comes_in_parts_is_written_when_it_is_complete() -> None:
    story = Story(settled_s=1)
    story.healthy()
    for part in ("a cluster", "its endpoints", "its route"):
        story.holds(part)
        story.after(0.5)
    assert story.did == []
    story.after(0.5)
    assert story.did == [Write("its route")]


def test_changes_without_an_end_are_written_all_the_same() -> None:
    story = Story(settled_s=1)
    story.healthy()
    for second in range(3 * int(RESTLESS_S)):
        story.holds(str(second))
        story.after(0.9)
    assert Write("11") in story.did


def test_it_reads_as_a_story() -> None:
    story = a_gateway()
    story.holds("0123456789")
    assert repr(story.baking) == "<Baking: 1 bakes, Envoy healthy, holds 01234567>"
    assert story.baking.candidate == 1
