"""What a cluster's assignment becomes when endpoints change: the outcome, what survives, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy.json_form import from_json
from api.envoy.registry import EnvoyApi, load_default
from api.errors import InvalidConfig, NotFound
from snapshots.endpoints.edit import Endpoints, edited
from snapshots.endpoints.model import (
    Change,
    Clear,
    Endpoint,
    Health,
    Place,
    Remove,
    Replace,
    SetHealth,
    Upsert,
    Wanted,
)
from xds.protocol.types import ENDPOINT

ONE, TWO, THREE, FOUR = (Place(f"10.0.0.{number}", 8080) for number in range(1, 5))
NOTHING = Endpoints.read(load_default(), "carts", b"")


@pytest.fixture(scope="module")
def api() -> EnvoyApi:
    return load_default()


def an_assignment(api: EnvoyApi, *endpoints: dict[str, Any], **fields: Any) -> bytes:
    """As somebody writes it: each endpoint in a locality of its own, unless it says `localities` itself."""
    groups = [{"lb_endpoints": [endpoint]} for endpoint in endpoints]
    parsed = from_json(api, {"@type": ENDPOINT, "cluster_name": "carts", "endpoints": groups, **fields})
    assert not parsed.problems, parsed.problems
    assert parsed.message is not None
    return parsed.message.SerializeToString(deterministic=True)


def at(place: Place, **fields: Any) -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": place.address, "port_value": place.port}}}, **fields}


def message(api: EnvoyApi, endpoints: Endpoints) -> Any:
    """As it is stored and served."""
    return api.parse(ENDPOINT, endpoints.set_body(api))


def listed(endpoints: Endpoints) -> tuple[Endpoint, ...]:
    return endpoints.now.endpoints()


def upsert(*places: Place, **given: Any) -> Upsert:
    return Upsert(tuple(Wanted(place, **given) for place in places))


def replace(*places: Place, **given: Any) -> Replace:
    return Replace(tuple(Wanted(place, **given) for place in places))


def filled(*places: Place) -> Endpoints:
    return edited(NOTHING, [replace(*places)])


def test_a_whole_set_is_grouped_by_locality_sorted_and_weighted(api: EnvoyApi) -> None:
    wanted = (
        Wanted(Place("10.0.0.10", 80), zone="fra-2", weight=5),
        Wanted(Place("10.0.0.9", 80), zone="fra-2"),
        Wanted(Place("10.0.0.1", 80), zone="fra-2", priority=1),
        Wanted(Place("10.0.0.2", 80), region="eu", zone="fra-1", sub_zone="a", weight=2, health=Health.DRAINING),
    )
    after = edited(NOTHING, [Replace(wanted)])
    groups = message(api, after).endpoints

    assert message(api, after).cluster_name == "carts"
    assert [(g.priority, g.locality.zone, g.load_balancing_weight.value, len(g.lb_endpoints)) for g in groups] == [
        (0, "fra-2", 6, 2),
        (0, "fra-1", 2, 1),
        (1, "fra-2", 1, 1),
    ]
    assert listed(after) == (
        Endpoint(Place("10.0.0.9", 80), zone="fra-2"),
        Endpoint(Place("10.0.0.10", 80), 5, zone="fra-2"),
        Endpoint(Place("10.0.0.2", 80), 2, "eu", "fra-1", "a", 0, Health.DRAINING),
        Endpoint(Place("10.0.0.1", 80), zone="fra-2", priority=1),
    )


def test_the_same_set_in_another_order_is_the_same_bytes(api: EnvoyApi) -> None:
    assert filled(ONE, TWO, THREE).set_body(api) == filled(THREE, ONE, TWO).set_body(api)


def test_what_is_not_given_stays_as_it_is(api: EnvoyApi) -> None:
    before = edited(NOTHING, [replace(ONE, TWO, weight=3, zone="fra-1", health=Health.DRAINING)])
    after = edited(before, [upsert(ONE, weight=4)])

    assert listed(after)[0] == Endpoint(ONE, 4, zone="fra-1", health=Health.DRAINING)
    assert message(api, after).endpoints[0].load_balancing_weight.value == 7


def test_an_endpoint_moves_to_another_locality_with_all_it_has(api: EnvoyApi) -> None:
    metadata = {"filter_metadata": {"envoy.lb": {"canary": True}}}
    configured = an_assignment(api, at(ONE, metadata=metadata, load_balancing_weight=2), at(TWO))
    after = edited(Endpoints.read(api, "carts", configured), [upsert(ONE, zone="fra-1")])
    moved = message(api, after).endpoints[1]

    assert moved.locality.zone == "fra-1"
    assert moved.lb_endpoints[0].metadata.filter_metadata["envoy.lb"]["canary"] is True
    assert moved.load_balancing_weight.value == 2
    assert len(message(api, after).endpoints[0].lb_endpoints) == 1


def test_a_partial_change_keeps_what_this_api_does_not_know(api: EnvoyApi) -> None:
    configured = an_assignment(
        api,
        endpoints=[
            {
                "locality": {"zone": "fra-1"},
                "load_balancing_weight": 70,
                "proximity": 3,
                "lb_endpoints": [at(ONE)],
            },
            {"lb_endpoints": [{"endpoint_name": "old"}, {"endpoint": {"address": {"pipe": {"path": "/run/x"}}}}]},
        ],
        policy={"overprovisioning_factor": 150},
        named_endpoints={"old": {"hostname": "old.example", "address": {"pipe": {"path": "/run/y"}}}},
    )
    before = Endpoints.read(api, "carts", configured)
    after = message(api, edited(before, [upsert(TWO, zone="fra-1"), SetHealth((ONE,), Health.DRAINING)]))

    assert after.policy.overprovisioning_factor.value == 150
    assert after.named_endpoints["old"].hostname == "old.example"
    zone = next(group for group in after.endpoints if group.locality.zone == "fra-1")
    assert (zone.proximity.value, zone.load_balancing_weight.value, len(zone.lb_endpoints)) == (3, 70, 2)
    assert [str(each.place) for each in listed(before)] == ["name:old", "pipe:/run/x", str(ONE)]


def test_removing_the_last_of_a_locality_removes_the_locality(api: EnvoyApi) -> None:
    before = edited(NOTHING, [replace(ONE, TWO), upsert(THREE, zone="fra-1")])
    after = edited(before, [Remove((THREE,))])

    assert [group.locality.zone for group in message(api, after).endpoints] == [""]


@pytest.mark.parametrize(
    "change",
    [
        Remove((FOUR,)),
        SetHealth((ONE,), Health.HEALTHY),
        Upsert((Wanted(ONE),)),
        Upsert((Wanted(ONE, weight=1, priority=0, zone="", health=Health.HEALTHY),)),
        Clear(),
    ],
)
def test_what_changes_nothing_is_no_change(api: EnvoyApi, change: Change) -> None:
    configured = Endpoints.read(api, "carts", an_assignment(api, at(ONE), at(TWO)))
    assert edited(configured, [change]) is configured


def test_a_whole_set_holds_also_when_the_configuration_says_the_same(api: EnvoyApi) -> None:
    configured = Endpoints.read(api, "carts", an_assignment(api, at(ONE)))
    after = edited(configured, [replace(ONE)])

    assert after.is_set
    assert edited(after, [replace(ONE)]) is after


def test_clearing_brings_the_configuration_back_and_changes_go_on_from_there(api: EnvoyApi) -> None:
    configured = Endpoints.read(api, "carts", an_assignment(api, at(ONE)))
    before = edited(configured, [replace(TWO, THREE)])

    assert edited(before, [Clear()], confirmed=True).set_body(api) == b""
    after = edited(before, [Clear(), upsert(FOUR)], confirmed=True)
    assert [each.place for each in listed(after)] == [ONE, FOUR]


def test_addresses_are_compared_as_addresses(api: EnvoyApi) -> None:
    long, short = Place.of("2001:db8:0:0::1", 80), Place.of("2001:DB8::1", 80)
    assert long == short
    assert str(short) == "[2001:db8::1]:80"
    assert edited(filled(long), [SetHealth((short,), Health.DRAINING)], confirmed=True).is_set


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace(Place("carts.internal", 80)), r'"carts.internal", which is no IP'),
        (replace(Place("10.0.0.1", 0)), "port 0; ports are 1 to 65535"),
        (replace(Place("10.0.0.1", 65536)), "port 65536"),
        (replace(Place("0.0.0.0", 80)), "no address of one machine"),
        (replace(Place("224.0.0.1", 80)), "no address of one machine"),
        (replace(Place("fe80::1%eth0", 80)), "no address of one machine"),
        (replace(ONE, ONE), "named twice"),
        (Remove((ONE, ONE)), "named twice"),
        (replace(ONE, weight=0), "weight 0; .*drain it"),
        (replace(ONE, weight=2**32), "weight"),
        (replace(ONE, priority=129), "priority 129"),
        (replace(ONE, zone="a\x1b[0m"), "zone"),
        (replace(ONE, region="a" * 257), "256 characters"),
        (Upsert(()), "name the endpoints"),
        (Remove(()), "name the endpoints"),
        (SetHealth((), Health.DRAINING), "name the endpoints"),
        (replace(ONE, TWO, weight=2**31), "weights come to more"),
        (replace(ONE, priority=1), "priorities count from 0"),
    ],
)
def test_what_gateways_would_refuse_is_refused_here(api: EnvoyApi, change: Change, words: str) -> None:
    with pytest.raises(InvalidConfig, match=words) as refused:
        edited(NOTHING, [change])
    assert {finding.code for finding in refused.value.findings} == {"E1001"}


def test_every_mistake_is_told_at_once(api: EnvoyApi) -> None:
    with pytest.raises(InvalidConfig, match=r"and 2 more") as refused:
        edited(NOTHING, [replace(Place("a", 80), Place("b", 0))])
    assert len(refused.value.findings) == 3


def test_a_change_says_what_to_change(api: EnvoyApi) -> None:
    with pytest.raises(InvalidConfig, match="must say what"):
        edited(NOTHING, [])


def test_the_health_of_what_is_not_there_cannot_change_and_the_nearest_is_named(api: EnvoyApi) -> None:
    with pytest.raises(NotFound, match=r'"carts" has no endpoint 10\.0\.0\.1:8081; did you mean "10\.0\.0\.1:8080"'):
        edited(filled(ONE), [SetHealth((Place("10.0.0.1", 8081),), Health.DRAINING)])
    with pytest.raises(NotFound, match="it has none"):
        edited(NOTHING, [SetHealth((ONE,), Health.DRAINING)])


def test_a_gap_in_the_priorities_is_refused_where_a_change_makes_it(api: EnvoyApi) -> None:
    before = edited(NOTHING, [replace(ONE), upsert(TWO, priority=1)])
    with pytest.raises(InvalidConfig, match="no endpoint would be left of priority 0"):
        edited(before, [Remove((ONE,))])
    assert edited(before, [Remove((ONE,)), upsert(TWO, priority=0)]).is_set
    configured = Endpoints.read(
        api, "carts", an_assignment(api, endpoints=[{"priority": 1, "lb_endpoints": [at(ONE)]}])
    )
    assert edited(configured, [upsert(TWO, priority=1)]).is_set


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SetHealth((ONE, TWO, THREE), Health.DRAINING), "1 of 4 healthy endpoints would be left"),
        (SetHealth((ONE, TWO, THREE, FOUR), Health.UNHEALTHY), "no healthy endpoint would be left"),
        (Remove((ONE, TWO, THREE)), "1 of 4"),
        (Replace(()), "no healthy endpoint"),
        (replace(ONE), "1 of 4"),
        (Clear(), "no healthy endpoint"),
    ],
)
def test_taking_more_than_half_away_has_to_be_confirmed(api: EnvoyApi, change: Change, words: str) -> None:
    before = filled(ONE, TWO, THREE, FOUR)
    with pytest.raises(InvalidConfig, match=words) as refused:
        edited(before, [change])
    assert [finding.code for finding in refused.value.findings] == ["E1002"]
    assert edited(before, [change], confirmed=True) != before


@pytest.mark.parametrize(
    "changes",
    [
        [SetHealth((ONE, TWO), Health.DRAINING)],
        [Replace((Wanted(Place("10.1.0.1", 80)), Wanted(Place("10.1.0.2", 80))))],
        [Remove((ONE, TWO, THREE, FOUR)), upsert(ONE, TWO)],
    ],
)
def test_half_may_go_and_what_is_replaced_is_not_lost(api: EnvoyApi, changes: list[Change]) -> None:
    before = filled(ONE, TWO, THREE, FOUR)
    assert edited(before, changes) != before


def test_changes_say_what_they_are() -> None:
    assert str(SetHealth((ONE,), Health.DRAINING)) == "draining: 10.0.0.1:8080"
    assert str(Remove((ONE, TWO, THREE, FOUR, Place("a", 1)))) == (
        "removed 10.0.0.1:8080, 10.0.0.2:8080, 10.0.0.3:8080 and 2 more"
    )
    assert str(replace(ONE)) == "set 1 endpoint"
