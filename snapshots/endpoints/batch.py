"""Several callers' changes of the same endpoints as one new version: who gets in, and what each is told. Pure.

Callers wait for one another anyway, so those that wait together are applied together, in the order in which they came.
Each is judged by itself, on top of those before it: one that is refused takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from api.envoy.registry import EnvoyApi
from api.errors import FairleadError
from snapshots.endpoints.edit import Endpoints, edited
from snapshots.endpoints.model import Change
from snapshots.endpoints.state import Difference
from snapshots.store import refusals
from snapshots.store.endpoint_sets import EndpointSet, SetChange
from xds.protocol.types import GroupName

# Of what a set says of itself; its audit record has all of it.
_LONGEST_AUTHORS: Final = 200
_LONGEST_MESSAGES: Final = 500
_LONGEST_WHAT: Final = 500


@dataclass(frozen=True, slots=True)
class Request:
    """What one caller wants. `base`: refuse if the endpoints have moved past this version; None takes what is there."""

    changes: tuple[Change, ...]
    base: int | None = None
    author: str = ""
    message: str = ""
    confirmed: bool = False

    @property
    def record(self) -> SetChange:
        """What the audit keeps of it."""
        return SetChange(self.author, self.message, _cut("; ".join(map(str, self.changes)), _LONGEST_WHAT))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request: the endpoints as it found them and as it left them."""

    before: Endpoints
    after: Endpoints

    @property
    def changed(self) -> bool:
        return self.before is not self.after

    @property
    def differences(self) -> tuple[Difference, ...]:
        return self.before.now.differences(self.after.now)


@dataclass(frozen=True, slots=True)
class Batch:
    """`wanted` is to be stored, with what the audit record says it was made of; None when nothing changes.

    `answers`: for each request its outcome, or why it is refused.
    """

    wanted: EndpointSet | None
    changes: tuple[SetChange, ...]
    answers: tuple[Outcome | FairleadError, ...]


def decide(
    api: EnvoyApi, group: GroupName, before: Endpoints, newest: EndpointSet | None, requests: Sequence[Request]
) -> Batch:
    """`newest` is the stored set, which `before` was read from. O(changed) for each request, O(endpoints) for all.

    Raises InvalidConfig if the outcome breaks a rule of Envoy's, which what a caller can say should not.
    """
    version = newest.version if newest else 0
    now, answers, made_of = before, list[Outcome | FairleadError](), list[Request]()
    for request in requests:
        try:
            after = edited(now, request.changes, confirmed=request.confirmed)
            if after is not now and request.base is not None:
                there = _set(group, now.name, version + 1, made_of) if made_of else newest
                _check_base(request.base, there, group, now.name)
        except FairleadError as error:
            answers.append(error)
            continue
        if after is not now:
            made_of.append(request)
        answers.append(Outcome(now, after))
        now = after
    if (now.is_set, not before.now.differences(now.now)) == (before.is_set, True):
        return Batch(None, (), tuple(answers))
    wanted = _set(group, now.name, version + 1, made_of, now.set_body(api))
    return Batch(wanted, tuple(each.record for each in made_of), tuple(answers))


def _check_base(base: int, newest: EndpointSet | None, group: GroupName, name: str) -> None:
    """Of a change that changes nothing the base is not asked: it is most likely the repeat of a lost answer."""
    if base != (newest.version if newest else 0):
        raise refusals.endpoints_moved(newest, EndpointSet(group, name, base + 1, b""))


def _set(group: GroupName, name: str, version: int, made_of: Sequence[Request], body: bytes = b"") -> EndpointSet:
    authors = _joined((each.author for each in made_of), ", ", _LONGEST_AUTHORS)
    messages = _joined((each.message for each in made_of), "; ", _LONGEST_MESSAGES)
    return EndpointSet(group, name, version, body, authors, messages)


def _joined(texts: Iterable[str], between: str, longest: int) -> str:
    return _cut(between.join(filter(None, dict.fromkeys(texts))), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
