"""What Envoys refuse, in the status of the Gateway whose listener it is."""

from __future__ import annotations

import pytest

from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.refusals import with_refusals
from tests.gateways import a_gateway, compiled, conditions
from tests.listeners import a_listener, of_listener

BOUND = "Error adding/updating listener(s) {0}: cannot bind '{0}': Cannot assign requested address"
BROKEN = "Error adding/updating listener(s) {0}: Failed to load certificate chain"


def gateway_told() -> ObjectStatus:
    listeners = (a_listener("http", 80), a_listener("names", 53, "UDP"))
    addresses = [{"value": "10.0.0.1"}, {"value": "10.0.0.2"}]
    return next(iter(compiled(a_gateway("edge", *listeners, addresses=addresses)).statuses))


@pytest.mark.parametrize(
    ("refused", "words", "reason", "out"),
    [
        ("tcp/10.0.0.2:80", BOUND, "AddressNotUsable", "http"),
        ("udp/10.0.0.1:53", BOUND, "AddressNotUsable", "names"),
        ("tcp/10.0.0.1:80", BROKEN, "Invalid", "http"),
    ],
)
def test_a_listener_that_an_envoy_refuses_is_not_programmed(refused: str, words: str, reason: str, out: str) -> None:
    told = with_refusals(gateway_told(), {refused: words.format(refused)}).status
    assert conditions(told)["Accepted"] == ("True", "Accepted")
    assert conditions(told)["Programmed"] == ("False", reason)
    programmed = {name: of_listener(told, name)["Programmed"][0] for name in ("http", "names")}
    assert programmed == {"http": "True", "names": "True"} | {out: "False"}
    message = next(each["message"] for each in told["conditions"] if each["type"] == "Programmed")
    assert refused in message


@pytest.mark.parametrize("refused", [{}, {"tcp/10.0.0.3:80": "cannot bind"}, {"udp/10.0.0.1:80": "cannot bind"}])
def test_other_listeners_are_none_of_its_business(refused: dict[str, str]) -> None:
    told = gateway_told()
    assert with_refusals(told, refused) is told
