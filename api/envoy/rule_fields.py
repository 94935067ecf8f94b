"""The rules of one field, compiled once into a check of it: presence, emptiness, items, keys and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from api.envoy import rule_checks, rule_strings
from api.envoy.json_reader import WRAPPERS
from api.envoy.problem import REQUIRED, RULE_BROKEN, Path, Problem
from api.envoy.rule_checks import ValueCheck

Report = Callable[[Problem], None]
FieldCheck = Callable[[Any, Path, Report], None]

_KINDS: dict[str, Callable[[Any], list[ValueCheck]]] = {
    "string": rule_strings.string_checks,
    "bytes": rule_strings.bytes_checks,
    "bool": rule_checks.bool_checks,
    "duration": rule_checks.duration_checks,
    "timestamp": rule_checks.timestamp_checks,
    "any": rule_checks.any_checks,
    **dict.fromkeys(("float", "double"), rule_checks.number_checks),
    **dict.fromkeys((f"{sign}int{bits}" for sign in ("", "u", "s") for bits in (32, 64)), rule_checks.number_checks),
    **dict.fromkeys((f"{sign}fixed{bits}" for sign in ("", "s") for bits in (32, 64)), rule_checks.number_checks),
}
_WITH_REQUIRED = ("any", "duration", "timestamp")


def field_checks(field: FieldDescriptor, rules: Any) -> list[FieldCheck]:
    """What `rules` (validate.FieldRules) say of `field`; each check takes the message that has the field."""
    kind = rules.WhichOneof("type")
    if kind == "repeated":
        return _repeated_checks(field, rules.repeated)
    if kind == "map":
        return _map_checks(field, rules.map)
    checks = []
    required = rules.message.required or (kind in _WITH_REQUIRED and getattr(rules, kind).required)
    if required and not _is_choice(field):
        checks.append(_required(field.name))
    values = value_checks(field, rules)
    if values:
        checks.append(_singular(field, values, ignore_empty=getattr(getattr(rules, kind), "ignore_empty", False)))
    return checks


def value_checks(field: FieldDescriptor, rules: Any) -> list[ValueCheck]:
    """What `rules` say of one value of `field`, be it the field itself, an item, a key or a value."""
    kind = rules.WhichOneof("type")
    if kind is None:
        return []
    if kind == "enum":
        enum: Any = field.enum_type
        return rule_checks.enum_checks(rules.enum, enum)
    checks = _KINDS[kind](getattr(rules, kind))
    if field.message_type is not None and field.message_type.full_name in WRAPPERS:
        return [_unwrapped(check) for check in checks]
    return checks


def _is_choice(field: FieldDescriptor) -> bool:
    """Whether `field` is in a oneof with others: then it may be unset. (`optional` is a oneof of its own, named so.)"""
    return field.containing_oneof is not None and field.containing_oneof.name != f"_{field.name}"


def _unwrapped(check: ValueCheck) -> ValueCheck:
    return lambda wrapper: check(wrapper.value)


def _required(name: str) -> FieldCheck:
    def check(message: Any, path: Path, report: Report) -> None:
        if not message.HasField(name):
            report(Problem((*path, name), f"{name} is required", f"set {name}", REQUIRED))

    return check


def _singular(field: FieldDescriptor, checks: list[ValueCheck], *, ignore_empty: bool) -> FieldCheck:
    """A field that can be absent (messages, oneofs, optional) is checked when it is there, others always."""
    name, can_be_absent = field.name, field.has_presence

    def check(message: Any, path: Path, report: Report) -> None:
        if can_be_absent and not message.HasField(name):
            return
        value = getattr(message, name)
        if not (ignore_empty and not value):
            _report_all(checks, value, (*path, name), report)

    return check


def _repeated_checks(field: FieldDescriptor, rules: Any) -> list[FieldCheck]:
    name = field.name
    size = _size_check(rules, "min_items", "max_items", "item")
    items = value_checks(field, rules.items)
    skip_empty_items = _ignores_empty(rules.items)
    may_be_empty, unique = bool(rules.ignore_empty), bool(rules.unique)

    def check(message: Any, path: Path, report: Report) -> None:
        values = getattr(message, name)
        if may_be_empty and not values:
            return
        _report_all(size, len(values), (*path, name), report)
        if unique:
            _report_repeats(values, (*path, name), report)
        for index, value in enumerate(values if items else ()):
            if value or not skip_empty_items:
                _report_all(items, value, (*path, name, index), report)

    return [check]


def _map_checks(field: FieldDescriptor, rules: Any) -> list[FieldCheck]:
    entry: Any = field.message_type
    name, size = field.name, _size_check(rules, "min_pairs", "max_pairs", "entry")
    keys = value_checks(entry.fields_by_name["key"], rules.keys)
    values = value_checks(entry.fields_by_name["value"], rules.values)
    # `no_sparse` (no entry without a value) always holds: an entry that is read has a value.
    may_be_empty = bool(rules.ignore_empty)

    def check(message: Any, path: Path, report: Report) -> None:
        entries = getattr(message, name)
        if may_be_empty and not entries:
            return
        _report_all(size, len(entries), (*path, name), report)
        for key in sorted(entries) if keys or values else ():
            place = (*path, name, key)
            _report_all(keys, key, place, report, "the key ")
            _report_all(values, entries[key], place, report)

    return [check]


def _ignores_empty(rules: Any) -> bool:
    kind = rules.WhichOneof("type")
    return bool(kind and getattr(getattr(rules, kind), "ignore_empty", False))


def _size_check(rules: Any, least: str, most: str, noun: str) -> list[ValueCheck]:
    checks = []
    plural = "entries" if noun == "entry" else f"{noun}s"
    if rules.HasField(least):
        minimum = getattr(rules, least)
        words = f"must have at least {minimum} {noun if minimum == 1 else plural}"
        checks.append(lambda count: None if count >= minimum else f"{words}, has {count or 'none'}")
    if rules.HasField(most):
        maximum = getattr(rules, most)
        limit = f"must have at most {maximum} {noun if maximum == 1 else plural}"
        checks.append(lambda count: None if count <= maximum else f"{limit}, has {count}")
    return checks


def _report_repeats(values: Iterable[Any], path: Path, report: Report) -> None:
    first: dict[Any, int] = {}
    for index, value in enumerate(values):
        key = value.SerializeToString(deterministic=True) if hasattr(value, "SerializeToString") else value
        if first.setdefault(key, index) != index:
            report(Problem((*path, index), f"is the same as item {first[key]}", "remove one", RULE_BROKEN))


def _report_all(checks: list[ValueCheck], value: Any, path: Path, report: Report, prefix: str = "") -> None:
    for check in checks:
        reason = check(value)
        if reason is not None:
            report(Problem(path, prefix + reason, "", RULE_BROKEN))
