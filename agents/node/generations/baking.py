"""When a generation is written, and when it becomes good or is rejected. No I/O, no clock: time is given.

What Envoy has acknowledged in full becomes a candidate. It is good once Envoy has stayed healthy for the bake time. One
candidate bakes at a time and is not disturbed by newer content, or constant change would never let one become good;
after its verdict whatever is held by then is next. A change comes in parts, each after Envoy has taken the one before:
so nothing is written before it has stayed as it is for a moment.

Each thing that happens is told by one call, and each call answers with what to do now, at most one thing. What became
of it is told by `learn`; until then nothing else is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from agents.node.generations.generation import State

MOMENT_S = 3.0  # unhealthy for so long is no verdict: a listener restarts, a probe is late
SETTLED_S = 1.0  # so long without another part: the change is complete
RESTLESS_S = 10.0  # where there is always another, no longer than this is waited
BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Write:
    """Write what is held now, whose digest is `content`, as a candidate."""

    content: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Make this candidate good."""

    number: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Make this candidate one that is never used; `because` is a sentence for people."""

    number: int
    because: str


Transition = Write | Promote | Reject


@dataclass(frozen=True, slots=True)
class Written:
    """The contents are kept as this generation: a new candidate, or one of these contents that was there already."""

    number: int
    state: State


@dataclass(frozen=True, slots=True)
class Done:
    """The candidate was promoted, or rejected."""


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no such candidate any more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The disk did not take it; `why` is a sentence for people."""

    why: str


Outcome = Written | Done | Lost | Failed


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int
    content: str
    since_s: float


class Baking:
    """What is known of the content held and of the candidate. `content`s are opaque digests, secrets included; times
    are of any clock that never goes back, in seconds."""

    def __init__(self, bake_s: float = 60.0, moment_s: float = MOMENT_S, settled_s: float = 0.0) -> None:
        self._bake_s = bake_s
        self._settled_s = settled_s
        self._moment_s = moment_s
        self._held = ""
        self._acknowledged = False
        self._restless_since_s = self._changed_at_s = -inf
        self._good = ""
        self._barred: dict[str, None] = {}
        self._healthy = False
        self._unwell_since_s: float | None = None
        self._unwell_because = ""
        self._candidate: _Candidate | None = None
        self._verdict: Promote | Reject | None = None
        self._asked: Transition | None = None
        self._condemned = ""
        self._failures = 0
        self._retry_at_s = -inf

    def __repr__(self) -> str:
        bakes = f"{self._candidate.number} bakes" if self._candidate else "none bakes"
        health = "healthy" if self._healthy else "unhealthy"
        return f"<Baking: {bakes}, Envoy {health}, holds {self._held[:8] or 'nothing'}>"

    @property
    def candidate(self) -> int | None:
        """The number of the candidate that bakes."""
        return self._candidate.number if self._candidate else None

    @property
    def wake_at_s(self) -> float | None:
        """When to call `tick`, if nothing else happens before; None when only an event can change anything."""
        if self._asked is not None:
            return None
        if self._verdict is not None or self._next_write() is not None:
            return self._retry_at_s if self._verdict is not None else max(self._retry_at_s, self._settled_at_s)
        if self._candidate is None:
            return None
        if self._unwell_since_s is not None:
            return self._unwell_since_s + self._moment_s
        return self._candidate.since_s + self._bake_s

    # What happens.

    def holds(self, content: str, *, acknowledged: bool, now_s: float) -> Transition | None:
        """The content held is this, and Envoy has acknowledged all of it, or not yet."""
        if content != self._held:
            if now_s >= self._settled_at_s:
                self._restless_since_s = now_s
            self._changed_at_s = now_s
        self._held, self._acknowledged = content, acknowledged
        return self.tick(now_s)

    def healthy(self, now_s: float) -> Transition | None:
        """Envoy is live and ready."""
        self._judge(now_s)  # it may have been ill for longer than a moment
        self._healthy, self._unwell_since_s = True, None
        return self.tick(now_s)

    def unhealthy(self, because: str, now_s: float) -> Transition | None:
        """Envoy is not live and ready. Not for an Envoy that is drained on purpose: that says nothing of content."""
        self._judge(now_s)  # it may have been healthy for long enough
        self._healthy = False
        if self._unwell_since_s is None:
            self._unwell_since_s, self._unwell_because = now_s, because
        return self.tick(now_s)

    def crashed(self, because: str, now_s: float) -> Transition | None:
        """Envoy has ended without being told to."""
        self._judge(now_s)
        self._healthy, self._acknowledged = False, False
        self._condemn(because)
        return self.tick(now_s)

    def nacked(self, content: str, because: str, now_s: float) -> Transition | None:
        """Envoy has refused something of `content`, which was held then. Newer content than the candidate's is no
        fault of the candidate."""
        self._judge(now_s)
        self._acknowledged = False
        if content == self._judged_content:
            self._condemn(because)
        return self.tick(now_s)

    def failed(self, content: str) -> None:
        """Envoy does not live with `content`, be it good so far: what is held is gone back from it."""
        if content == self._judged_content:
            self._condemn("Envoy does not live with it")
        self._bar(content)
        if self._good == content:
            self._good = ""

    def learn(self, outcome: Outcome, now_s: float) -> Transition | None:
        """What became of what was asked for."""
        asked, self._asked = self._asked, None
        if isinstance(outcome, Failed):
            self._try_again(now_s)
        else:
            self._failures, self._retry_at_s = 0, -inf
            self._settle(asked, outcome, now_s)
        return self.tick(now_s)

    def tick(self, now_s: float) -> Transition | None:
        """Time has passed."""
        self._judge(now_s)
        if self._asked is not None or now_s < self._retry_at_s:
            return None
        self._asked = self._verdict or (self._next_write() if now_s >= self._settled_at_s else None)
        return self._asked

    @property
    def _settled_at_s(self) -> float:
        """When what is held is taken to be all of a change."""
        return min(self._changed_at_s + self._settled_s, self._restless_since_s + RESTLESS_S)

    def _settle(self, asked: Transition | None, outcome: Outcome, now_s: float) -> None:
        if isinstance(asked, Write) and isinstance(outcome, Written):
            self._take(asked.content, outcome, now_s)
            return
        if isinstance(asked, Promote) and isinstance(outcome, Done) and self._candidate is not None:
            self._good = self._candidate.content
        self._verdict = self._candidate = None

    def _take(self, content: str, written: Written, now_s: float) -> None:
        condemned, self._condemned = self._condemned, ""
        if written.state == "good":
            self._good = content
        elif written.state == "rejected":
            self._bar(content)
        else:
            self._candidate = _Candidate(written.number, content, now_s)
            self._condemn(condemned)

    def _try_again(self, now_s: float) -> None:
        self._condemned = ""
        self._retry_at_s = now_s + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1

    @property
    def _judged_content(self) -> str:
        """The content of the candidate that bakes, or is about to."""
        if self._candidate is not None:
            return self._candidate.content
        return self._asked.content if isinstance(self._asked, Write) else ""

    def _judge(self, now_s: float) -> None:
        candidate = self._candidate
        if candidate is None or self._verdict is not None:
            return
        if self._unwell_since_s is not None:
            if now_s - self._unwell_since_s >= self._moment_s:
                self._condemn(f"Envoy was unhealthy while it baked: {self._unwell_because}")
        elif now_s - candidate.since_s >= self._bake_s:
            self._verdict = Promote(candidate.number)

    def _condemn(self, because: str) -> None:
        """Against the candidate, or the one that is being written. Its content is barred only where Envoy ran exactly
        that: newer content may be to blame, and what is rolled back to must be able to become good."""
        content = self._judged_content
        if not because or not content or self._verdict is not None:
            return
        if content == self._held:
            self._bar(content)
        if self._candidate is not None:
            self._verdict = Reject(self._candidate.number, because)
        else:
            self._condemned = because

    def _bar(self, content: str) -> None:
        self._barred[content] = None
        if len(self._barred) > _REMEMBERED:
            del self._barred[next(iter(self._barred))]

    def _next_write(self) -> Write | None:
        if self._candidate is not None or not (self._healthy and self._acknowledged and self._held):
            return None
        if self._held == self._good or self._held in self._barred:
            return None
        return Write(self._held)
