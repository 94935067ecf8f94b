"""Rules on one value: what every kind of rule shares, numbers, and what is ordered as numbers are.

A check takes a value and returns what is wrong with it in words, or None. Nothing here knows of fields or paths.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.descriptor import EnumDescriptor

from api.envoy.problem import quoted

ValueCheck = Callable[[Any], str | None]
_NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Bound:
    limit: Any
    holds: Callable[[Any, Any], bool]
    words: str


def expect(words: str, holds: Callable[[Any], bool], shown: Callable[[Any], str] | None = None) -> ValueCheck:
    """A check that says `must be <words>, is <value>`."""
    show = shown or shown_value

    def check(value: Any) -> str | None:
        return None if holds(value) else f"must be {words}, is {show(value)}"

    return check


def shown_value(value: object) -> str:
    """A value for a message: short, and quoted when it is text."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, str):
        return quoted(value) if value else "empty"
    return str(value)


def one_of_words(values: Collection[Any], shown: Callable[[Any], str] = shown_value) -> str:
    """`1, 2 or 3`."""
    words = [shown(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def number_checks(rules: Any) -> list[ValueCheck]:
    """Of every kind of number."""
    return _ordered_checks(rules, lambda value: value, lambda value: f"{value:g}" if value % 1 else f"{int(value)}")


def duration_checks(rules: Any) -> list[ValueCheck]:
    return _ordered_checks(rules, nanoseconds, duration_text)


def timestamp_checks(rules: Any) -> list[ValueCheck]:
    """`lt_now`, `gt_now` and `within` are not checked: they need a clock, and no type of Envoy's API has them."""
    return _ordered_checks(rules, nanoseconds, _time_text)


def bool_checks(rules: Any) -> list[ValueCheck]:
    wanted = rules.const
    return [expect(str(wanted).lower(), lambda value: value == wanted, lambda value: str(value).lower())]


def enum_checks(rules: Any, enum: EnumDescriptor) -> list[ValueCheck]:
    def name(number: int) -> str:
        return enum.values_by_number[number].name if number in enum.values_by_number else str(number)

    checks = _membership_checks(rules, lambda number: number, name)
    if rules.defined_only:
        defined = frozenset(enum.values_by_number)
        checks.append(expect(f"a value of {enum.full_name}", lambda number: number in defined))
    return checks


def any_checks(rules: Any) -> list[ValueCheck]:
    """Of a google.protobuf.Any: which types it may hold."""
    return [_of_type_url(check) for check in _membership_checks(rules, lambda type_url: type_url, shown_value)]


def _of_type_url(check: ValueCheck) -> ValueCheck:
    return lambda message: check(message.type_url)


def nanoseconds(message: Any) -> int:
    """A Duration or a Timestamp as one number."""
    return int(message.seconds) * _NANOS + int(message.nanos)


def duration_text(nanos: int) -> str:
    """`1.5s`."""
    seconds, rest = divmod(abs(nanos), _NANOS)
    sign = "-" if nanos < 0 else ""
    return sign + (f"{seconds}.{rest:09d}".rstrip("0") if rest else str(seconds)) + "s"


def _time_text(nanos: int) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanos // 1000)).isoformat()


def _ordered_checks(rules: Any, ordinal: Callable[[Any], Any], shown: Callable[[Any], str]) -> list[ValueCheck]:
    checks = _membership_checks(rules, ordinal, shown)
    low = _bound(rules, ordinal, shown, (("gt", operator.gt, "greater than"), ("gte", operator.ge, "at least")))
    high = _bound(rules, ordinal, shown, (("lt", operator.lt, "less than"), ("lte", operator.le, "at most")))

    def show(value: Any) -> str:
        return shown(ordinal(value))

    if low and high and high.limit < low.limit:  # Crossed bounds allow what is outside of them.
        checks.append(
            expect(
                f"{high.words} or {low.words}",
                lambda value: high.holds(ordinal(value), high.limit) or low.holds(ordinal(value), low.limit),
                show,
            )
        )
    else:
        checks += [_within(bound, ordinal, show) for bound in (low, high) if bound]
    return checks


def _bound(
    rules: Any,
    ordinal: Callable[[Any], Any],
    shown: Callable[[Any], str],
    kinds: tuple[tuple[str, Callable[[Any, Any], bool], str], ...],
) -> _Bound | None:
    for name, holds, words in kinds:
        if rules.HasField(name):
            limit = ordinal(getattr(rules, name))
            return _Bound(limit, holds, f"{words} {shown(limit)}")
    return None


def _within(bound: _Bound, ordinal: Callable[[Any], Any], shown: Callable[[Any], str]) -> ValueCheck:
    holds, limit = bound.holds, bound.limit
    return expect(bound.words, lambda value: holds(ordinal(value), limit), shown)


def _membership_checks(rules: Any, ordinal: Callable[[Any], Any], shown: Callable[[Any], str]) -> list[ValueCheck]:
    """`const`, `in` and `not_in`, of whichever of them `rules` have."""

    def show(value: Any) -> str:
        return shown(ordinal(value))

    checks: list[ValueCheck] = []
    for field, given in rules.ListFields():
        if field.name in ("const", "in"):
            allowed = [ordinal(value) for value in (given if field.name == "in" else [given])]
            checks.append(expect(one_of_words(allowed, shown), _among(allowed, ordinal), show))
        elif field.name == "not_in":
            refused = [ordinal(value) for value in given]
            among = _among(refused, ordinal)
            checks.append(expect(f"other than {one_of_words(refused, shown)}", _negated(among), show))
    return checks


def _among(values: Collection[Any], ordinal: Callable[[Any], Any]) -> Callable[[Any], bool]:
    found = frozenset(values)
    return lambda value: ordinal(value) in found


def _negated(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: not holds(value)
