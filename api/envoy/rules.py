"""Checks a message against the rules that Envoy's API declares (`validate.rules`), as Envoy does on receipt.

The rules of a type are compiled at its first use. What Envoy checks beyond its declared rules, only Envoy knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, OneofDescriptor
from google.protobuf.message import Message

from api.envoy.messages import ANY, child_fields, children
from api.envoy.problem import BROKEN_BYTES, DEPTH_LIMIT, REQUIRED, TOO_DEEP, Path, Problem
from api.envoy.registry import EnvoyApi
from api.envoy.rule_fields import FieldCheck, Report, field_checks
from api.envoy.rule_options import RuleOptions


def violations(api: EnvoyApi, message: Message) -> tuple[Problem, ...]:
    """Every broken rule in `message` and in what its Anys hold. Paths are field names of the proto and indexes.

    An Any of a type that `api` does not know is not looked into.
    """
    found: list[Problem] = []
    _rule_book(api).check(message, (), found.append, 1)
    return tuple(found)


@lru_cache(maxsize=4)
def _rule_book(api: EnvoyApi) -> RuleBook:
    return RuleBook(api)


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The compiled rules of one message type. `descend`: the numbers of the fields whose messages are checked too."""

    checks: tuple[FieldCheck, ...]
    descend: frozenset[int]


class RuleBook:
    """The rules of one API, by message type."""

    def __init__(self, api: EnvoyApi) -> None:
        self._api = api
        self._options = RuleOptions(api)
        self._types: dict[str, TypeRules] = {}

    def check(self, message: Any, path: Path, report: Report, depth: int) -> None:
        """Report every broken rule in `message`."""
        if depth > DEPTH_LIMIT:
            reason = f"nested deeper than {DEPTH_LIMIT} levels, which Envoy refuses"
            report(Problem(path, reason, "", TOO_DEEP))
            return
        rules = self._rules(message.DESCRIPTOR)
        for check in rules.checks:
            check(message, path, report)
        for place, child in children(self._api, message, rules.descend):
            self.check(child, path + place, report, depth + 1)

    def _rules(self, descriptor: Descriptor) -> TypeRules:
        rules = self._types.get(descriptor.full_name)
        if rules is None:
            rules = self._types[descriptor.full_name] = self._compiled(descriptor)
        return rules

    def _compiled(self, descriptor: Descriptor) -> TypeRules:
        if descriptor.full_name == ANY:
            return TypeRules((self._readable,), frozenset())
        if self._options.exempts(descriptor):
            return TypeRules((), frozenset())
        checks: list[FieldCheck] = []
        skipped: set[int] = set()
        for field in descriptor.fields:
            rules = self._options.of_field(field)
            if rules is not None:
                checks += field_checks(field, rules)
                if rules.message.skip or rules.repeated.items.message.skip or rules.map.values.message.skip:
                    skipped.add(field.number)
        checks += [_one_of(oneof) for oneof in descriptor.oneofs if self._options.requires_one_of(oneof)]
        return TypeRules(tuple(checks), child_fields(descriptor) - skipped)

    def _readable(self, message: Any, path: Path, report: Report) -> None:
        if self._api.knows(message.type_url) and self._api.unpacked(message) is None:
            reason = f"the bytes are not a {message.type_url.rpartition('/')[2]}"
            report(Problem((*path, "value"), reason, "", BROKEN_BYTES))


def _one_of(oneof: OneofDescriptor) -> FieldCheck:
    name, fields = oneof.name, ", ".join(field.name for field in oneof.fields)

    def check(message: Any, path: Path, report: Report) -> None:
        if message.WhichOneof(name) is None:
            report(Problem(path, f"{name} is required: one of {fields}", "set one of them", REQUIRED))

    return check
