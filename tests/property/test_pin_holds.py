"""What is not suspected never ends a pin, in whatever order it comes; what is, does when it is other than it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from agents.node.generations.generation import ResourceName
from agents.node.generations.pin import UNKNOWN, Pin, suspects_of
from xds.protocol.types import CLUSTER, LISTENER

names = some.builds(ResourceName, some.sampled_from([CLUSTER, LISTENER]), some.sampled_from("abcdef"))
versions = some.sampled_from(["1", "2", "3"])
contents = some.dictionaries(names, versions)
told = some.dictionaries(names, some.none() | versions)


@given(contents, contents, some.lists(told))
def test_changes_of_what_is_not_suspected_never_end_it(
    bad: dict[ResourceName, str], good: dict[ResourceName, str], news: list[dict[ResourceName, str | None]]
) -> None:
    pin = Pin("crashed", suspects_of(bad, good))
    for each in news:
        unrelated = {name: version for name, version in each.items() if name not in pin.suspects}
        as_it_was = {name: bad.get(name) for name in each if name in pin.suspects}
        assert not pin.ended_by(unrelated | as_it_was)
        pin = pin.knowing(unrelated | as_it_was)
    assert pin.suspects == suspects_of(bad, good)


@given(contents, contents, told)
def test_it_ends_just_when_a_suspect_is_told_otherwise(
    bad: dict[ResourceName, str], good: dict[ResourceName, str], each: dict[ResourceName, str | None]
) -> None:
    differs = {name for name in bad.keys() | good.keys() if bad.get(name) != good.get(name)}
    other = {name for name, version in each.items() if name in differs and version != bad.get(name)}
    assert Pin("crashed", suspects_of(bad, good)).ended_by(each) is bool(other)


@given(some.dictionaries(names, some.just(UNKNOWN) | versions, min_size=1), told)
def test_what_was_learned_is_held_to(suspects: dict[ResourceName, str], each: dict[ResourceName, str | None]) -> None:
    known = Pin("crashed", suspects).knowing(each)
    assert known.suspects.keys() == suspects.keys()
    assert all(known.suspects[name] == (each.get(name, UNKNOWN) if version == UNKNOWN else version)
               for name, version in suspects.items())  # fmt: skip
