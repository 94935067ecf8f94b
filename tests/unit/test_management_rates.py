"""How often a caller may change endpoints: bursts, the steady rate, and callers that do not disturb each other."""

from __future__ import annotations

import pytest

from api.errors import RateExceeded
from api.management.callers import caller_of
from api.management.details import decode_error, encode_details
from api.management.rates import CALLERS_KEPT, Rates


def taken(rates: Rates, caller: str, now_s: float, tries: int) -> int:
    """How many of `tries` changes at once are let through."""
    through = 0
    for _ in range(tries):
        try:
            rates.take(caller, now_s)
            through += 1
        except RateExceeded:
            break
    return through


def test_a_burst_is_let_through_and_then_the_steady_rate() -> None:
    rates = Rates(per_s=10, burst=20)
    assert taken(rates, "a", 100.0, 50) == 20
    assert taken(rates, "a", 101.0, 50) == 10
    assert taken(rates, "a", 1000.0, 50) == 20


def test_callers_do_not_disturb_each_other() -> None:
    rates = Rates(per_s=10, burst=20)
    taken(rates, "a", 100.0, 50)
    assert taken(rates, "b", 100.0, 50) == 20


def test_the_refusal_says_how_long_to_wait_and_that_is_enough() -> None:
    rates = Rates(per_s=10, burst=1)
    rates.take("a", 100.0)
    with pytest.raises(RateExceeded, match=r"try again in 0\.100 s") as refused:
        rates.take("a", 100.0)
    rates.take("a", 100.0 + refused.value.retry_after_s + 1e-6)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    rates = Rates(per_s=10, burst=5)
    rates.take("a", 100.0)
    assert taken(rates, "a", 50.0, 50) == 4


def test_callers_without_end_are_forgotten() -> None:
    rates = Rates(per_s=0.001, burst=1)
    rates.take("first", 0.0)
    for number in range(CALLERS_KEPT):
        rates.take(f"caller-{number}", 0.0)
    rates.take("first", 0.0)


def test_a_client_tells_it_from_what_is_too_large() -> None:
    with pytest.raises(RateExceeded) as refused:
        Rates(per_s=1, burst=0).take("a", 0.0)
    details = encode_details(refused.value)
    received = decode_error("RESOURCE_EXHAUSTED", "", (("fairlead-error-bin", details),))

    assert isinstance(received, RateExceeded)
    assert (received.exit_code, received.status) == (4, "RESOURCE_EXHAUSTED")


class Call:
    """What a handler is told of its caller."""

    def __init__(self, peer: str, *identities: bytes) -> None:
        self._peer, self._identities = peer, identities

    def peer(self) -> str:
        return self._peer

    def peer_identities(self) -> tuple[bytes, ...] | None:
        return self._identities or None


def test_a_caller_is_its_certificate_or_else_its_address_whatever_the_port() -> None:
    assert caller_of(Call("ipv4:10.0.0.1:4711")) == caller_of(Call("ipv4:10.0.0.1:4712")) == "ipv4:10.0.0.1"
    assert caller_of(Call("ipv6:%5B::1%5D:4711")) == "ipv6:%5B::1%5D"
    proved = caller_of(Call("ipv4:10.0.0.1:4711", b"spiffe://b", b"spiffe://a"))
    assert proved == caller_of(Call("ipv4:10.0.0.2:1", b"spiffe://a", b"spiffe://b")) == "spiffe://a spiffe://b"
