"""Has the own Envoy's verdict of each answer of upstream, when it comes or when it does not, and passes it on.

`docket` knows which verdicts are due; here is the clock. Calls come on the event loop and return at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.node.local.docket import Docket, Judge, Verdict
from agents.node.local.judging import Brought
from agents.node.local.timers import Timers
from xds.protocol.plan import Rejected
from xds.protocol.requests import ErrorDetail

LOOK_AGAIN_S = 0.25
"""What is kept back from Envoy, or not wanted by it, is told by nobody, so it is looked for again after this."""


class Hearing:
    """`judge` reads what Envoy has made of an answer, `tell` gives verdicts to upstream, and `reopen` has it tell again
    what it was told no verdict of, because of the reason given."""

    def __init__(self, judge: Judge, tell: Callable[[Sequence[Verdict]], None], reopen: Callable[[str], None]) -> None:
        self._docket = Docket(judge)
        self._tell = tell
        self._reopen = reopen
        self._timers = Timers()

    def __bool__(self) -> bool:
        """Whether any answer is without a verdict."""
        return bool(self._docket)

    def hear(self, brought: Brought) -> None:
        """An answer was taken; Envoy may have all of it already."""
        now_s, is_first = self._timers.now_s, not self._docket
        self._docket.add(brought, now_s)
        self.look()
        if self._docket and is_first:
            self._timers.put("look again", now_s + LOOK_AGAIN_S, self._look_again)
            self._timers.put("overdue", self._docket.due_s, self._overdue)

    def look(self) -> None:
        """Envoy has said something, or has been told something."""
        if self._docket:
            self._tell(self._docket.settled())
        if self._docket.has_overdue and self._docket.taken_late():
            self._reopen("Envoy has taken after all what it had not answered in time")

    def refused(self, rejected: Rejected) -> None:
        """Envoy has refused a response."""
        error = ErrorDetail(rejected.code, rejected.message)
        self._tell(self._docket.rejected(rejected.type_url, frozenset(rejected.names), error))

    def clear(self) -> None:
        """The stream to upstream is gone."""
        self._docket.clear()

    def _look_again(self) -> None:
        self.look()
        if self._docket:
            self._timers.put("look again", self._timers.now_s + LOOK_AGAIN_S, self._look_again)

    def _overdue(self) -> None:
        self._tell(self._docket.overdue(self._timers.now_s))
        self._timers.put("overdue", self._docket.due_s, self._overdue)
