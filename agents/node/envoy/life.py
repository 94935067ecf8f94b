"""An Envoy's life as a state machine: told what happened and when, it says what to do next. Pure: time is given.

Processes are known by number, 1, 2, 3 …; which epoch, base id or pid they have is for the supervisor to know. At any
time one is `current`; in a hot restart `coming` starts beside it; those that were replaced are `leaving`.

    decisions = life.exited(1, Exit(-11), now_s)      # (Tell("…"),) and then, when life.due_s has come,
    decisions = life.tick(now_s)                      # (Start(2),)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agents.node.envoy.decisions import Decision, Decisions, Done, Drain, FallBack, How, Send, Start, Tell
from agents.node.envoy.facts import Exit, Phase
from agents.node.envoy.trial import Trial, next_trial

SILENT_ASKS = 3
"""So many questions must go unanswered before an Envoy is taken to hang: an agent that was stopped itself asks anew."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All in seconds. `crashes` within a trial make a new generation the culprit."""

    backoff_first_s: float = 0.1
    backoff_longest_s: float = 10.0
    healthy_s: float = 30.0  # ready for so long: the next backoff starts from the shortest again
    hang_s: float = 30.0
    abort_s: float = 5.0  # from SIGABRT, which leaves a trace in the log, to SIGKILL
    takeover_s: float = 60.0  # for the next epoch to become ready
    parent_shutdown_s: float = 45.0  # for the epoch that was replaced to finish what it has
    drain_delay_s: float = 5.0
    drain_s: float = 30.0
    end_s: float = 10.0  # from SIGTERM to SIGKILL
    hurry_s: float = 1.0
    crashes: int = 2
    trial_s: float = 120.0  # ready for so long with a new generation: it is not the culprit of what comes


BLIND_S = 5.0
"""A process whose admin interface nobody listens at for so long has closed it. A new one may not have opened it yet."""
_WATCHED = (Phase.STARTING, Phase.RUNNING, Phase.TURNING_AWAY, Phase.DRAINING)


@dataclass(slots=True)
class _Process:
    """`asked` explains its end, once this agent has done something to it; `kill_at_s`: if it has not gone by then."""

    started_s: float
    adopted: bool = False
    heard: bool = False  # its admin interface has answered once, or did to an agent before this one
    asked: str = ""
    hung: bool = False
    kill_at_s: float | None = None


@dataclass(slots=True)
class Life:
    """`jitter` gives numbers between 0 and 1. All methods take the time in seconds of a clock that never goes back."""

    limits: Limits
    jitter: Iterator[float]
    phase: Phase = Phase.WAITING
    current: int | None = None
    coming: int | None = None
    ready: bool = False
    sighted: bool = True
    """Whether the current process still has its admin interface: one that a failed successor asked for it has not."""
    restarts: int = 0
    takeovers: int = 0
    last_exit: str = ""
    looping: bool = False
    _phase_due_s: float | None = None
    _processes: dict[int, _Process] = field(default_factory=dict)
    _number: int = 0
    _failures: int = 0
    _answered_s: float = 0.0
    _silent: int = 0
    _ready_since_s: float = 0.0
    _trial: Trial | None = None
    _wants_takeover: bool = False
    _wants_drain: bool = False
    _starts_again: bool = True

    @property
    def due_s(self) -> float | None:
        """When `tick` has something to do; None while only an event can change anything."""
        due = [each.kill_at_s for each in self._processes.values() if each.kill_at_s is not None]
        due += [self._phase_due_s] if self._phase_due_s is not None else []
        return min(due, default=None)

    @property
    def leaving(self) -> tuple[int, ...]:
        """The processes that were replaced and have not gone yet."""
        return tuple(number for number in self._processes if number not in (self.current, self.coming))

    def asked(self, number: int) -> str:
        """What this agent did to a process that explains its end; empty if nothing."""
        process = self._processes.get(number)
        return process.asked if process else ""

    # What happens

    def begin(self, now_s: float) -> Decisions:
        """There is no Envoy: start one."""
        return self._start(now_s)

    def adopt(self, count: int, now_s: float) -> Decisions:
        """There are Envoys already, of which the last is the newest epoch: they have the numbers 1 to `count`."""
        for _ in range(count):
            self._number += 1
            self._processes[self._number] = _Process(now_s, adopted=True, heard=True)
        self._answered_s = now_s
        if count == 1:
            self.current = 1
            self._enter(Phase.STARTING)
            return ()
        for number in range(1, count - 1):
            self._let_go(number, now_s)
        self.current, self.coming = count - 1, count
        self._enter(Phase.REPLACING, now_s + self.limits.takeover_s)
        return ()

    def answered(self, live: bool, now_s: float, number: int | None = None) -> Decisions:
        """The admin interface said whether it is live; `number`: which process that was, where it is known."""
        self._answered_s, self._silent, self.sighted = now_s, 0, True
        answering = self._processes.get(number or self.current or 0)
        if answering is not None:
            answering.heard = True
        if self.phase is Phase.REPLACING:
            return self._replaced(now_s) if live and self._has_come(number) else ()
        if self.phase in (Phase.STARTING, Phase.RUNNING):
            return self._is_live(now_s) if live else self._is_not_live()
        return ()

    def silent(self, now_s: float, *, absent: bool = False) -> Decisions:
        """A question to the admin interface was not answered; `absent`: nothing listens there."""
        self._silent += 1
        process = self._processes.get(self.current or 0)
        if process is None or process.asked or self.phase not in _WATCHED or not self.sighted:
            return ()
        silent_s = now_s - max(self._answered_s, process.started_s)
        if self._silent < SILENT_ASKS or silent_s < (BLIND_S if absent and process.heard else self.limits.hang_s):
            return ()
        return self._blind(now_s) if absent and process.heard else self._hangs(process, silent_s, now_s)

    def exited(self, number: int, exit: Exit, now_s: float) -> Decisions:
        """A process has ended. `exit.asked` is what `asked(number)` said."""
        process = self._processes.pop(number, None)
        if process is None:
            return ()
        if number == self.coming:
            return self._lost_coming(f"it {exit}", now_s)
        if number != self.current:
            return self._finished()
        self.last_exit, self.ready, self.current = str(exit), False, None
        if self.phase is Phase.REPLACING and self.coming is not None:
            return self._goes_on_alone(exit)
        if self.phase in (Phase.TURNING_AWAY, Phase.DRAINING, Phase.ENDING):
            return self._again(now_s) if self._starts_again else self._finished()
        return self._fell(exit, now_s, crashed=exit.crashed or process.hung)

    def could_not_start(self, number: int, why: str, now_s: float) -> Decisions:
        """Process `number` never came to be."""
        self._processes.pop(number, None)
        if number == self.coming:
            return self._lost_coming(why, now_s)
        self.current, self.last_exit, self.ready = None, why, False
        return self._fell(None, now_s, crashed=True) if self._wanted else self._finished()

    def applied(self, generation: str, now_s: float, *, proven: bool) -> Decisions:
        """Envoy is served `generation` from now on. One that is `proven` was good before and is never the culprit."""
        limits = self.limits
        self._trial = None if proven else next_trial(self._trial, generation, now_s, limits.crashes, limits.trial_s)
        return ()

    def baked(self, generation: str) -> Decisions:
        """Envoy has lived with it for as long as its bake takes."""
        if self._trial is not None and self._trial.generation == generation:
            self._trial.is_baked = True
        return ()

    # What is asked for

    def take_over(self, now_s: float) -> Decisions:
        """A hot restart: now, or as soon as the current process is ready and none before it is left."""
        if not self._wanted or self.phase is Phase.REPLACING:
            self._wants_takeover = self._wanted
            return ()
        if self.phase is Phase.WAITING:
            return ()  # the next start brings what is wanted
        if self.phase is Phase.STARTING and not self._may_serve:
            return self._end(now_s, "for a restart")  # it serves nobody yet
        self._wants_takeover = True
        return self._take_over_if_it_can_be(now_s)

    def restart_drained(self, now_s: float) -> Decisions:
        """End the current process as `stop` does, then start another."""
        if not self._wanted or self.phase is Phase.WAITING:
            return ()
        return self._turn_away(now_s)

    def stop(self, now_s: float) -> Decisions:
        """Turn clients away, drain, end. Asked again while that is under way: nothing."""
        if not self._starts_again:
            return ()
        self._starts_again = self._wants_takeover = False
        if self.phase in (Phase.TURNING_AWAY, Phase.DRAINING, Phase.ENDING):
            return ()
        if not self._processes:
            return self._finished()
        return self._turn_away(now_s) if self._may_serve else self._end(now_s, "as it was asked to")

    def hurry(self, now_s: float) -> Decisions:
        """End at once, whatever is under way."""
        self._starts_again = self._wants_takeover = False
        return self._end(now_s, "as it was asked to", self.limits.hurry_s)

    def drained(self, now_s: float) -> Decisions:
        """No client is connected any more."""
        return self._end(now_s, "as it was asked to") if self.phase is Phase.DRAINING else ()

    def tick(self, now_s: float) -> Decisions:
        """Do what is due."""
        decisions: list[Decision] = []
        for number, process in self._processes.items():
            if process.kill_at_s is not None and process.kill_at_s <= now_s:
                process.kill_at_s = None
                decisions.append(Send(number, How.KILL))
        if self._phase_due_s is not None and self._phase_due_s <= now_s:
            self._phase_due_s = None
            decisions += _DUE[self.phase](self, now_s)
        return tuple(decisions)

    # How it goes on

    @property
    def _wanted(self) -> bool:
        return self._starts_again and self.phase is not Phase.ENDED

    @property
    def _may_serve(self) -> bool:
        """One that was found running may have clients before it has said anything to this agent."""
        process = self._processes.get(self.current or 0)
        return process is not None and (self.ready or process.adopted or not self.sighted)

    def _enter(self, phase: Phase, due_s: float | None = None) -> None:
        self.phase, self._phase_due_s = phase, due_s

    def _start(self, now_s: float, *, takes_over: bool = False) -> Decisions:
        self._number += 1
        self._processes[self._number] = _Process(now_s)
        self._answered_s, self._silent = now_s, 0
        if takes_over:
            self.coming = self._number
            self._enter(Phase.REPLACING, now_s + self.limits.takeover_s)
        else:
            self.current, self.sighted, self._wants_takeover = self._number, True, False
            self._enter(Phase.STARTING)
        return (Start(self._number, takes_over),)

    def _again(self, now_s: float) -> Decisions:
        self.restarts += 1
        return self._start(now_s)

    def _is_live(self, now_s: float) -> Decisions:
        if not self.ready:
            self.ready, self._ready_since_s = True, now_s
            self._enter(Phase.RUNNING)
        healthy_s = now_s - self._ready_since_s
        if healthy_s >= self.limits.healthy_s:
            self._failures, self.looping = 0, False
        if self._trial and self._trial.is_over(self._ready_since_s, now_s):
            self._trial = None
        return self._take_over_if_it_can_be(now_s)

    def _is_not_live(self) -> Decisions:
        self.ready = False
        return ()

    def _blind(self, now_s: float) -> Decisions:
        # A successor that never came up asked it to close its admin interface, which happens to a live Envoy only.
        self.sighted = False
        if self.phase is Phase.STARTING:
            self.ready, self._ready_since_s = True, now_s
            self._enter(Phase.RUNNING)
        return (Tell("Envoy runs and has closed its admin interface; a hot restart opens one again", warning=True),)

    def _hangs(self, process: _Process, silent_s: float, now_s: float) -> Decisions:
        self.ready = False
        process.hung, process.asked = True, f"for it had not answered for {silent_s:.0f} s"
        process.kill_at_s = now_s + self.limits.abort_s
        words = f"Envoy hangs: its admin interface has not answered for {silent_s:.0f} s; it is ended"
        return (Tell(words, warning=True), Send(self.current or 0, How.ABORT))

    def _fell(self, exit: Exit | None, now_s: float, *, crashed: bool) -> Decisions:
        """The process that should run does not: start it again, later each time."""
        self.restarts += 1
        how = f"Envoy {exit}" if exit is not None else f"Envoy could not be started: {self.last_exit}"
        longest_s = min(self.limits.backoff_first_s * 2**self._failures, self.limits.backoff_longest_s)
        delay_s = longest_s * (0.5 + 0.5 * next(self.jitter))
        self._failures = min(self._failures + 1, 30)
        self.looping = crashed and self._failures > self.limits.crashes
        self._enter(Phase.WAITING, now_s + delay_s)
        told = Tell(f"{how}; it is started again in {delay_s:.1f} s", warning=True)
        return (told, *(self._blamed(how, now_s) if crashed else ()))

    def _blamed(self, how: str, now_s: float) -> Decisions:
        trial = self._trial
        if trial is None or not trial.crashed(now_s):
            return ()
        self._trial = None
        return (FallBack(trial.generation, f"{how}, {trial.words}"),)

    def _take_over_if_it_can_be(self, now_s: float) -> Decisions:
        """Not before the process that was replaced last has gone: a next epoch would end it and cut its clients off."""
        if not self._wants_takeover or self.phase is not Phase.RUNNING or not self.ready or self.leaving:
            return ()
        self._wants_takeover = False
        return self._start(now_s, takes_over=True)

    def _has_come(self, number: int | None) -> bool:
        return number is not None and number == self.coming and not self._processes[number].asked

    def _replaced(self, now_s: float) -> Decisions:
        assert self.current is not None
        self._let_go(self.current, now_s)
        self.current, self.coming, self.sighted = self.coming, None, True
        self.takeovers += 1
        self.ready, self._ready_since_s = True, now_s
        self._enter(Phase.RUNNING)
        return (Tell("the new Envoy has taken over; the old one finishes what it has"),)

    def _let_go(self, number: int, now_s: float) -> None:
        process = self._processes[number]
        process.asked = "after another had taken over"
        process.kill_at_s = now_s + self.limits.parent_shutdown_s + self.limits.end_s

    def _lost_coming(self, why: str, now_s: float) -> Decisions:
        self.coming = None
        if self.phase is Phase.ENDING:
            return self._finished()
        self.sighted = False  # its predecessor closed its admin interface for it, and has no other
        self._enter(Phase.RUNNING)
        if self._wants_drain:
            return self._turn_away(now_s)
        return (Tell(f"the new Envoy did not take over: {why}. The old one goes on", warning=True),)

    def _goes_on_alone(self, exit: Exit) -> Decisions:
        self.current, self.coming, self.sighted = self.coming, None, True
        self._enter(Phase.ENDING if self._wants_drain else Phase.STARTING)  # to drain, it was ended already
        self._wants_drain = False
        return (Tell(f"Envoy {exit} while the next one started; that goes on alone", warning=True),)

    def _takeover_is_late(self, now_s: float) -> Decisions:
        return self._drop_coming(f"for it was not ready after {self.limits.takeover_s:g} s")

    def _drop_coming(self, asked: str) -> Decisions:
        """Killed and not asked: asked, it would have its predecessor end as well."""
        if self.coming is None:
            return ()
        self._processes[self.coming].asked = asked
        return (Send(self.coming, How.KILL),)

    def _turn_away(self, now_s: float) -> Decisions:
        if self.coming is not None:
            # Its end is waited for: the drain that follows is of the one that serves.
            self._wants_drain = True
            return self._drop_coming("for Envoy is to stop")
        if self.phase in (Phase.TURNING_AWAY, Phase.DRAINING, Phase.ENDING):
            return ()
        self._wants_drain = False
        self._enter(Phase.TURNING_AWAY, now_s + self.limits.drain_delay_s)
        return (Tell(f"clients are turned away for {self.limits.drain_delay_s:g} s, then Envoy drains"),)

    def _drain(self, now_s: float) -> Decisions:
        self._enter(Phase.DRAINING, now_s + self.limits.drain_s)
        return (Drain(),)

    def _drain_is_over(self, now_s: float) -> Decisions:
        words = f"clients were still connected after {self.limits.drain_s:g} s; Envoy is ended all the same"
        return (Tell(words, warning=True), *self._end(now_s, "as it was asked to"))

    def _end(self, now_s: float, asked: str, patience_s: float | None = None) -> Decisions:
        self.ready = False
        if not self._processes:
            return self._finished()
        self._enter(Phase.ENDING)
        for process in self._processes.values():
            process.asked = process.asked or asked
            process.kill_at_s = now_s + (self.limits.end_s if patience_s is None else patience_s)
        return tuple(Send(number, How.END) for number in self._processes)

    def _finished(self) -> Decisions:
        if self._starts_again or self._processes or self.phase is Phase.ENDED:
            return ()
        self.ready = False
        self._enter(Phase.ENDED)
        return (Done(),)


_DUE: dict[Phase, Callable[[Life, float], Decisions]] = {
    Phase.WAITING: Life._start,
    Phase.REPLACING: Life._takeover_is_late,
    Phase.TURNING_AWAY: Life._drain,
    Phase.DRAINING: Life._drain_is_over,
}
