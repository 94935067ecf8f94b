"""Whatever happens in whatever order: one thing at a time, nothing good before its time, in the end something good."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.node.generations.baking import (
    BACKOFF_S,
    Baking,
    Done,
    Failed,
    Lost,
    Promote,
    Reject,
    Transition,
    Write,
    Written,
)

BAKE_S, MOMENT_S = 20.0, 3.0

HAPPENS = st.one_of(
    st.tuples(st.just("holds"), st.sampled_from("aab"), st.sampled_from([True, True, False])),
    st.tuples(st.just("nacked"), st.sampled_from("ab")),
    st.sampled_from([("healthy",), ("healthy",), ("unhealthy",), ("crashed",)]),
    st.tuples(st.just("passes"), st.sampled_from([0.5, 2.0, 3.0, 10.0, 20.0, 60.0])),
)
ANSWERS = st.sampled_from(["done", "done", "done", "failed", "lost", "wait"])
STORIES = st.lists(st.tuples(HAPPENS, ANSWERS), max_size=40)


class Run:
    """The machine under events in any order; the disk answers when it is told to."""

    def __init__(self) -> None:
        self.baking = Baking(BAKE_S, MOMENT_S)
        self.now_s = 0.0
        self.held = ""
        self.asked: Transition | None = None
        self.content_of: dict[int, str] = {}
        self.written_at_s: dict[int, float] = {}
        self.trouble: set[int] = set()
        self.unwell_since_s: float | None = None
        self.barred: set[str] = set()
        self.good: list[str] = []

    def after(self, story: list[tuple[tuple[object, ...], str]]) -> Run:
        """What happens, and what the disk makes of what is asked then."""
        for event, answer in (((("holds", "a", True)), "done"), (("healthy",), "done"), *story):
            self.happens(event)
            getattr(self, answer)()
        return self

    def happens(self, event: tuple[object, ...]) -> None:
        getattr(self, str(event[0]))(*event[1:])
        if (wake_s := self.baking.wake_at_s) is not None and wake_s <= self.now_s:
            self._asks(self.baking.tick(self.now_s))
            assert self.baking.wake_at_s is None or self.baking.wake_at_s > self.now_s, "woken for nothing"

    def holds(self, content: str, acknowledged: bool) -> None:
        self.held = content
        self._asks(self.baking.holds(content, acknowledged=acknowledged, now_s=self.now_s))

    def healthy(self) -> None:
        self._notice_health()
        self.unwell_since_s = None
        self._asks(self.baking.healthy(self.now_s))

    def unhealthy(self) -> None:
        self.unwell_since_s = self.now_s if self.unwell_since_s is None else self.unwell_since_s
        self._asks(self.baking.unhealthy("ill", self.now_s))

    def crashed(self) -> None:
        self._notice_health()
        self.trouble |= self._on_trial()
        self._blamed(self.baking.crashed("signal 9", self.now_s))

    def nacked(self, content: str) -> None:
        self._notice_health()
        self.trouble |= {number for number in self._on_trial() if self.content_of[number] == content}
        self._blamed(self.baking.nacked(content, "no", self.now_s))

    def passes(self, seconds: float) -> None:
        self.now_s += seconds

    def done(self) -> None:
        if isinstance(self.asked, Write):
            number = len(self.content_of) + 1
            self.content_of[number], self.written_at_s[number] = self.asked.content, self.now_s
            self._learns(Written(number, "candidate"))
        elif self.asked is not None:
            if isinstance(self.asked, Promote):
                self.good.append(self.content_of[self.asked.number])
            self._learns(Done())

    def failed(self) -> None:
        if self.asked is not None:
            self._learns(Failed("full"))

    def wait(self) -> None: ...

    def lost(self) -> None:
        if isinstance(self.asked, Promote | Reject):
            self._learns(Lost())

    def _learns(self, outcome: Written | Done | Failed | Lost) -> None:
        self.asked = None
        self._asks(self.baking.learn(outcome, self.now_s))

    def _asks(self, transition: Transition | None) -> None:
        self._notice_health()
        if transition is None:
            return
        assert self.asked is None, "one thing at a time"
        if isinstance(transition, Promote):
            assert transition.number not in self.trouble
            assert self.now_s - self.written_at_s[transition.number] >= BAKE_S
        if isinstance(transition, Write):
            assert transition.content == self.held
            assert transition.content not in self.barred
        self.asked = transition

    def _blamed(self, transition: Transition | None) -> None:
        """Content is barred when it was all that Envoy ran."""
        self._asks(transition)
        if isinstance(transition, Reject) and self.content_of[transition.number] == self.held:
            self.barred.add(self.held)

    def _on_trial(self) -> set[int]:
        """The candidate, unless its time was up before anything went wrong."""
        number = self.baking.candidate
        if number is None:
            return set()
        until_s = self.now_s if self.unwell_since_s is None else self.unwell_since_s
        return {number} if until_s - self.written_at_s[number] < BAKE_S else set()

    def _notice_health(self) -> None:
        if self.unwell_since_s is not None and self.now_s - self.unwell_since_s >= MOMENT_S:
            self.trouble |= self._on_trial()


@settings(max_examples=400)
@given(STORIES)
def test_nothing_is_good_before_its_time_and_one_thing_is_asked_for_at_a_time(
    story: list[tuple[tuple[object, ...], str]],
) -> None:
    Run().after(story)


@given(STORIES)
def test_what_stays_well_becomes_good_whatever_was_before(story: list[tuple[tuple[object, ...], str]]) -> None:
    run = Run().after(story)
    run.done()
    run.happens(("healthy",))
    run.happens(("holds", "new", True))
    for _ in range(6):
        while run.asked is not None:
            run.done()
        run.happens(("passes", max(BAKE_S, BACKOFF_S[-1])))
    assert run.good[-1] == "new"
