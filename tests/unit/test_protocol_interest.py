"""What a request makes of a subscription, as a table."""

from __future__ import annotations

import pytest

from xds.protocol.interest import Interest, Wanted

NOTHING = Wanted()
EVERYTHING = Wanted(everything=True)
Step = tuple[str, str, Wanted]


def named(names: str) -> Wanted:
    return Wanted(frozenset(names))


@pytest.mark.parametrize(
    ("legacy", "steps", "wildcard", "names"),
    [
        pytest.param(True, [("", "", EVERYTHING)], True, "", id="legacy wildcard"),
        pytest.param(False, [("", "", NOTHING)], False, "", id="no legacy wildcard"),
        pytest.param(True, [("", "", EVERYTHING), ("", "", NOTHING)], True, "", id="an ACK asks for nothing"),
        pytest.param(True, [("a", "", named("a")), ("", "a", NOTHING)], False, "", id="after a name, nothing"),
        pytest.param(True, [("", "", EVERYTHING), ("a", "", named("a"))], True, "a", id="a name keeps it"),
        pytest.param(True, [("", "", EVERYTHING), ("", "*", NOTHING)], False, "", id="dropped by its name"),
        pytest.param(False, [("*a", "", Wanted(frozenset("a"), True))], True, "a", id="everything and a name"),
        pytest.param(False, [("*", "", EVERYTHING), ("", "a", named("a"))], True, "", id="dropped under a wildcard"),
        pytest.param(False, [("ab", "", named("ab")), ("a", "a", named("a"))], False, "ab", id="both: it stays"),
    ],
)
def test_delta(legacy: bool, steps: list[Step], wildcard: bool, names: str) -> None:
    interest = Interest(legacy)
    for subscribe, unsubscribe, told in steps:
        assert interest.change(subscribe, unsubscribe) == told
    assert (interest.wildcard, interest.names) == (wildcard, set(names))


@pytest.mark.parametrize(
    ("legacy", "steps", "wildcard", "names"),
    [
        pytest.param(True, [("", EVERYTHING), ("", NOTHING)], True, "", id="legacy wildcard"),
        pytest.param(False, [("", NOTHING)], False, "", id="no legacy wildcard"),
        pytest.param(True, [("a", named("a")), ("", NOTHING)], False, "", id="after a name, nothing"),
        pytest.param(True, [("", EVERYTHING), ("a", named("a")), ("", NOTHING)], False, "", id="named later"),
        pytest.param(False, [("ab", named("ab")), ("bc", named("c"))], False, "bc", id="only what is new is told"),
        pytest.param(False, [("ab", named("ab")), ("b", NOTHING), ("ab", named("a"))], False, "ab", id="back again"),
        pytest.param(True, [("*", EVERYTHING), ("*a", named("a"))], True, "a", id="everything and a name"),
    ],
)
def test_state_of_the_world(legacy: bool, steps: list[tuple[str, Wanted]], wildcard: bool, names: str) -> None:
    interest = Interest(legacy)
    for resource_names, told in steps:
        assert interest.replace(resource_names) == told
    assert (interest.wildcard, interest.names) == (wildcard, set(names))


def test_a_few_of_many_are_found_from_either_side() -> None:
    interest = Interest(legacy=False, names={"a", "b", "x"})
    assert interest.of(("a", "c")) == ("a",)
    assert interest.of(tuple("abcdef")) == ("a", "b")
    assert Interest(legacy=False, wildcard=True).of(("a", "c")) == ("a", "c")
