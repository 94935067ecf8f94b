"""Callers that change the same endpoints at the same time: who gets in, and what each is told."""

from __future__ import annotations

import pytest

from api.envoy.registry import EnvoyApi, load_default
from api.errors import Conflict, FairleadError, InvalidConfig, NotFound
from snapshots.endpoints.batch import Batch, Outcome, Request, decide
from snapshots.endpoints.edit import Endpoints
from snapshots.endpoints.model import Change, Clear, Health, Place, Remove, Replace, SetHealth, Upsert, Wanted
from snapshots.store.endpoint_sets import EndpointSet
from xds.protocol.types import GroupName

GROUP = GroupName("edge")
ONE, TWO, THREE = (Place(f"10.0.0.{number}", 80) for number in range(1, 4))
NOTHING = Endpoints.read(load_default(), "carts", b"")


@pytest.fixture(scope="module")
def api() -> EnvoyApi:
    return load_default()


def add(*places: Place, **given: object) -> Request:
    return request(Upsert(tuple(map(Wanted, places))), **given)


def request(*changes: Change, **given: object) -> Request:
    return Request(changes, **given)  # type: ignore[arg-type]


def kinds(batch: Batch) -> list[type]:
    return [type(answer) for answer in batch.answers]


def stored(api: EnvoyApi, *places: Place, version: int = 4) -> tuple[Endpoints, EndpointSet]:
    after = decide(api, GROUP, NOTHING, None, [add(*places)]).answers[0]
    assert isinstance(after, Outcome)
    body = after.after.set_body(api)
    return Endpoints.read(api, "carts", b"", body), EndpointSet(GROUP, "carts", version, body, "grace")


def test_all_that_wait_are_one_version_and_each_finds_what_those_before_it_left(api: EnvoyApi) -> None:
    batch = decide(api, GROUP, NOTHING, None, [add(ONE, author="ada", message="new"), add(TWO, author="grace")])
    first, second = batch.answers

    assert batch.wanted is not None
    assert (batch.wanted.version, batch.wanted.author, batch.wanted.message) == (1, "ada, grace", "new")
    assert [(one.author, one.what) for one in batch.changes] == [
        ("ada", "set 10.0.0.1:80"),
        ("grace", "set 10.0.0.2:80"),
    ]
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert first.after is second.before
    assert second.after.set_body(api) == batch.wanted.body
    assert [each.place for each in second.after.now.endpoints()] == [ONE, TWO]


def test_one_that_is_refused_takes_nothing_from_the_others(api: EnvoyApi) -> None:
    wrong = add(Place("nowhere", 80))
    missing = request(SetHealth((THREE,), Health.DRAINING))
    batch = decide(api, GROUP, NOTHING, None, [add(ONE), wrong, missing, add(TWO)])

    assert kinds(batch) == [Outcome, InvalidConfig, NotFound, Outcome]
    assert len(batch.changes) == 2


def test_nothing_is_written_where_nothing_changes(api: EnvoyApi) -> None:
    before, newest = stored(api, ONE)
    batch = decide(api, GROUP, before, newest, [add(ONE), request(Remove((TWO,)))])

    assert batch.wanted is None
    assert [isinstance(each, Outcome) and each.changed for each in batch.answers] == [False, False]


def test_changes_that_undo_each_other_come_to_nothing(api: EnvoyApi) -> None:
    before, newest = stored(api, ONE, TWO)
    drain, undo = (request(SetHealth((ONE,), health)) for health in (Health.DRAINING, Health.HEALTHY))

    assert decide(api, GROUP, before, newest, [add(THREE), request(Remove((THREE,)))]).wanted is None
    assert decide(api, GROUP, before, newest, [drain, undo]).wanted is None


def test_the_next_version_follows_on_the_newest_also_when_that_was_cleared(api: EnvoyApi) -> None:
    cleared = EndpointSet(GROUP, "carts", 7, b"")
    batch = decide(api, GROUP, NOTHING, cleared, [add(ONE)])
    assert batch.wanted is not None
    assert batch.wanted.version == 8
    before, newest = stored(api, ONE)
    clearing = decide(api, GROUP, before, newest, [request(Clear(), confirmed=True)])
    assert clearing.wanted is not None
    assert (clearing.wanted.version, clearing.wanted.cleared) == (5, True)


def test_a_base_is_held_against_the_newest_version(api: EnvoyApi) -> None:
    before, newest = stored(api, ONE, version=4)

    assert kinds(decide(api, GROUP, before, newest, [add(TWO, base=4)])) == [Outcome]
    (refused,) = decide(api, GROUP, before, newest, [add(TWO, base=3)]).answers
    assert isinstance(refused, Conflict)
    assert "version 4 by grace is the newest" in refused.message
    assert kinds(decide(api, GROUP, NOTHING, None, [add(TWO, base=0), add(ONE, base=0)])) == [Outcome, Conflict]


def test_of_two_on_one_base_the_second_is_told_who_was_first(api: EnvoyApi) -> None:
    before, newest = stored(api, ONE)
    batch = decide(api, GROUP, before, newest, [add(TWO, base=4, author="ada"), add(THREE, base=4)])
    first, second = batch.answers

    assert isinstance(first, Outcome)
    assert isinstance(second, FairleadError)
    assert "version 5 by ada" in second.message


def test_the_repeat_of_a_change_is_no_conflict(api: EnvoyApi) -> None:
    before, newest = stored(api, ONE, TWO)
    batch = decide(api, GROUP, before, newest, [request(Replace((Wanted(ONE), Wanted(TWO))), base=2)])

    assert kinds(batch) == [Outcome]
    assert batch.wanted is None


def test_what_a_storm_says_of_itself_is_bounded(api: EnvoyApi) -> None:
    callers = [add(Place(f"10.0.1.{n}", 80), author=f"robot-{n}@machine", message="x" * 400) for n in range(1, 101)]
    batch = decide(api, GROUP, NOTHING, None, callers)

    assert batch.wanted is not None
    assert (len(batch.wanted.author), len(batch.changes)) == (200, 100)
    everything = request(Remove(tuple(Place(f"10.0.2.{n}", 80) for n in range(1, 5))), *[Clear()] * 100)
    assert len(everything.record.what) == 500
