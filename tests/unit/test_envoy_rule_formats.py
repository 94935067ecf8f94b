"""Formats of strings, and RE2 patterns in Python's `re`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.envoy import rule_formats as formats
from api.envoy.rule_patterns import compiled

FORMATS: list[tuple[Callable[[str], bool], str, str]] = [
    (formats.is_hostname, "a a.b A-1.example. xn--bcher-kva.example", "-a a- a..b a_b é 1.2.3.4 " + "a" * 64),
    (formats.is_ipv4, "0.0.0.0 255.255.255.255", "256.0.0.1 1.2.3 1.2.3.4.5 ::1 01.2.3.4"),
    (formats.is_ipv6, ":: ::1 2001:db8::1 ::ffff:1.2.3.4", "1.2.3.4 fe80::1%eth0 ::g :"),
    (formats.is_address, "a.example 10.0.0.1 ::1", "a_b 1.2.3 -a"),
    (formats.is_email, "a@b.example a.b+c@d", "a @b a@ a@-b a,b@c a@b@c@ " + "a" * 65 + "@b"),
    (formats.is_uri, "http://a/b?c#d urn:a:b http://[::1]:80/", "/a //a/b http://a:x/ http://[::1 a%zz"),
    (formats.is_uri_reference, "/a a ?b #c //h/p a%20b http://a", "a%2 a%zz http://[::1"),
    (formats.is_uuid, "0D5A2B9E-0d5a-4b9e-8d5a-2b9e0d5a2b9e", "0d5a2b9e0d5a4b9e8d5a2b9e0d5a2b9e 0d5a"),
    (formats.is_header_name, "a :path X-A a_b a.b", "a:b é a( ::a"),
]
ROWS = [(holds, word, True) for holds, good, _ in FORMATS for word in good.split()]
ROWS += [(holds, word, False) for holds, _, bad in FORMATS for word in bad.split()]
ROWS += [(holds, "", False) for holds, *_ in FORMATS if holds is not formats.is_uri_reference]


@pytest.mark.parametrize(("holds", "text", "expected"), ROWS)
def test_formats(holds: Callable[[str], bool], text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a", "bab", "b"),
        ("^a$", "a", "a\n"),
        (r"^[^?#]+[^?#/]$", "/a", "/a/"),
        (r'^$|^/[^\x00-\x1f\x7f ",;<>\\]*$', "/a", "/a b"),
        (r"^$|^.*\.mmdb$", "a.mmdb", "a.mmdb\n"),
        (r"^[$]$", "$", "a"),
        (r"^a\$$", "a$", "a"),
        (r"^\d\z", "1", "١"),
        (r"(?i)^a$", "A", "b"),
    ],
)
def test_patterns_mean_what_they_mean_to_re2(pattern: str, matching: str, other: str) -> None:
    expression = compiled(pattern)
    assert expression is not None
    assert expression.search(matching)
    assert not expression.search(other)


@pytest.mark.parametrize("pattern", [r"\pL", r"\p{Greek}", "[[:alpha:]]", r"\Qa.b\E", "a(?i)b", "("])
def test_patterns_that_python_cannot_express_are_none(pattern: str) -> None:
    assert compiled(pattern) is None
