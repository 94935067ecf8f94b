"""The answers of upstream that wait for Envoy's verdict, and until when. Pure: time is given.

An answer that got no verdict in time stays *overdue*: when Envoy takes it after all, upstream has to hear of that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.node.local.judging import Brought, Judgement
from xds.protocol.requests import ErrorDetail
from xds.protocol.types import TypeUrl

VERDICT_S = 30.0
DEADLINE_EXCEEDED = 4  # google.rpc.Code
SILENT = ErrorDetail(DEADLINE_EXCEEDED, f"Envoy has not answered within {VERDICT_S:g} s; it may take this yet")

Judge = Callable[[Brought], Judgement | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """To be told to upstream. `error` None: an ACK."""

    nonce: str
    error: ErrorDetail | None


class Docket:
    """Of one stream to upstream. `judge` looks at what Envoy has made of an answer by now."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._waiting: dict[str, tuple[Brought, float]] = {}
        self._overdue: dict[TypeUrl, dict[str, Brought]] = {}

    def __bool__(self) -> bool:
        """Whether any answer is without a verdict."""
        return bool(self._waiting)

    @property
    def has_overdue(self) -> bool:
        return bool(self._overdue)

    @property
    def due_s(self) -> float | None:
        """When `overdue` has something to say."""
        return min((until_s for _, until_s in self._waiting.values()), default=None)

    def add(self, brought: Brought, now_s: float) -> None:
        """An answer was taken."""
        self._waiting[brought.nonce] = (brought, now_s + VERDICT_S)

    def settled(self) -> tuple[Verdict, ...]:
        """Verdicts that have come since, in the order of the answers."""
        found = []
        for brought, _ in tuple(self._waiting.values()):
            judgement = self._judge(brought)
            if judgement is not None:
                del self._waiting[brought.nonce]
                found.append(Verdict(brought.nonce, judgement.error))
        return tuple(found)

    def rejected(self, type_url: TypeUrl, names: frozenset[str], error: ErrorDetail) -> tuple[Verdict, ...]:
        """Envoy has refused a response with these resources and removals: so it has what brought them."""
        found = []
        for brought, _ in tuple(self._waiting.values()):
            told = {*(name for name, _ in brought.resources), *brought.gone}
            if brought.type_url == type_url and not names.isdisjoint(told):
                del self._waiting[brought.nonce]
                found.append(Verdict(brought.nonce, error))
        return tuple(found)

    def overdue(self, now_s: float) -> tuple[Verdict, ...]:
        """Those whose time is over: upstream is told that there is no verdict."""
        found = []
        for brought, until_s in tuple(self._waiting.values()):
            if until_s <= now_s:
                del self._waiting[brought.nonce]
                self._overdue.setdefault(brought.type_url, {})[brought.nonce] = brought
                found.append(Verdict(brought.nonce, SILENT))
        return tuple(found)

    def taken_late(self) -> bool:
        """Whether Envoy has taken something after all that upstream was told was not answered; told once."""
        late = False
        for type_url, overdue in tuple(self._overdue.items()):
            for nonce in [nonce for nonce, brought in overdue.items() if self._judge(brought) is not None]:
                del overdue[nonce]
                late = True
            if not overdue:
                del self._overdue[type_url]
        return late

    def clear(self) -> None:
        """The stream is gone, and upstream tells again what had no verdict."""
        self._waiting.clear()
        self._overdue.clear()
