"""Rules on strings and bytes: a table from the name of the rule to the check it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from api.envoy import rule_formats as formats
from api.envoy.rule_checks import ValueCheck, expect, one_of_words, shown_value
from api.envoy.rule_patterns import compiled

# validate.KnownRegex
HTTP_HEADER_NAME, HTTP_HEADER_VALUE = 1, 2

Maker = Callable[[Any], ValueCheck | None]


def string_checks(rules: Any) -> list[ValueCheck]:
    checks = _from_table(rules, _STRING_RULES)
    if rules.well_known_regex == HTTP_HEADER_NAME:
        holds = formats.is_header_name if rules.strict else formats.is_loose_header_name
        checks.append(expect("the name of an HTTP header", holds))
    elif rules.well_known_regex == HTTP_HEADER_VALUE:
        holds = formats.is_header_value if rules.strict else formats.is_loose_header_value
        checks.append(expect("the value of an HTTP header, without control characters", holds))
    return checks


def bytes_checks(rules: Any) -> list[ValueCheck]:
    return _from_table(rules, _BYTES_RULES)


def _from_table(rules: Any, table: dict[str, Maker]) -> list[ValueCheck]:
    makers = [(table[field.name], given) for field, given in rules.ListFields() if field.name in table]
    # A format that is switched off (`email: false`) is no rule.
    made = [maker(given) for maker, given in makers if given is not False]
    return [check for check in made if check is not None]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _length(unit: str, measure: Callable[[Any], int]) -> dict[str, Maker]:
    """The makers of `exactly`, `at least` and `at most` so many characters or bytes."""

    def shown(value: Any) -> str:
        return _counted(measure(value), unit) if measure(value) else "empty"

    return {
        "exact": lambda n: expect(f"exactly {_counted(n, unit)} long", lambda value: measure(value) == n, shown),
        "least": lambda n: expect(f"at least {_counted(n, unit)} long", lambda value: measure(value) >= n, shown),
        "most": lambda n: expect(f"at most {_counted(n, unit)} long", lambda value: measure(value) <= n, shown),
    }


def _pattern(pattern: str | bytes) -> ValueCheck | None:
    """RE2 patterns that Python cannot express are left to Envoy."""
    expression = compiled(pattern if isinstance(pattern, str) else pattern.decode())
    if expression is None:
        return None
    return expect(f"a match of {pattern!s}", lambda value: expression.search(_text(value)) is not None)


def _not_in(values: Collection[Any]) -> ValueCheck:
    refused = frozenset(values)
    return expect(f"other than {one_of_words(values)}", lambda value: value not in refused)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _format(words: str, holds: Callable[[Any], bool]) -> Maker:
    return lambda switched_on: expect(words, holds)


def _utf8_length(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode())


_CHARACTERS = _length("character", len)
_UTF8_BYTES = _length("byte", _utf8_length)
_BYTES = _length("byte", len)
_SHARED: dict[str, Maker] = {
    "const": lambda wanted: expect(shown_value(wanted), lambda value: value == wanted),
    "prefix": lambda part: expect(f"text that starts with {part!r}", lambda value: value.startswith(part)),
    "suffix": lambda part: expect(f"text that ends with {part!r}", lambda value: value.endswith(part)),
    "contains": lambda part: expect(f"text with {part!r} in it", lambda value: part in value),
    "in": lambda allowed: expect(one_of_words(allowed), frozenset(allowed).__contains__),
    "not_in": _not_in,
    "pattern": _pattern,
}
_STRING_RULES: dict[str, Maker] = {
    **_SHARED,
    "len": _CHARACTERS["exact"],
    "min_len": _CHARACTERS["least"],
    "max_len": _CHARACTERS["most"],
    "len_bytes": _UTF8_BYTES["exact"],
    "min_bytes": _UTF8_BYTES["least"],
    "max_bytes": _UTF8_BYTES["most"],
    "not_contains": lambda part: expect(f"text without {part!r}", lambda value: part not in value),
    "email": _format("an e-mail address", formats.is_email),
    "hostname": _format("a host name", formats.is_hostname),
    "ip": _format("an IP address", formats.is_ip),
    "ipv4": _format("an IPv4 address", formats.is_ipv4),
    "ipv6": _format("an IPv6 address", formats.is_ipv6),
    "uri": _format("an absolute URI", formats.is_uri),
    "uri_ref": _format("a URI or a relative reference", formats.is_uri_reference),
    "address": _format("a host name or an IP address", formats.is_address),
    "uuid": _format("a UUID", formats.is_uuid),
}
_BYTES_RULES: dict[str, Maker] = {
    **_SHARED,
    "len": _BYTES["exact"],
    "min_len": _BYTES["least"],
    "max_len": _BYTES["most"],
    "ip": _format("an IP address of 4 or 16 bytes", lambda value: len(value) in (4, 16)),
    "ipv4": _format("an IPv4 address of 4 bytes", lambda value: len(value) == 4),
    "ipv6": _format("an IPv6 address of 16 bytes", lambda value: len(value) == 16),
}
