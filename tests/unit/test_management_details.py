"""Errors on the wire: what is raised on one side is raised on the other, and never larger than a caller can take."""

from __future__ import annotations

import pytest

from api.errors import (
    Conflict,
    Denied,
    FairleadError,
    Finding,
    InvalidConfig,
    LimitExceeded,
    NotFound,
    Rejected,
    StoreUnavailable,
    TimedOut,
)
from api.management.details import DETAILS_KEY, DETAILS_LIMIT_BYTES, UNASKED_DETAILS_BYTES, decode_error, encode_details

FINDING = Finding("E0203", "backend not found", "a/b.yaml", 14, 9, "spec.x", "web", "n", "carts?", "  name: cart")
WARNING = Finding("W0504", "dangling", severity="warning")


def over_the_wire(error: FairleadError, *, whole: bool = True) -> FairleadError | None:
    return decode_error(error.status, error.message, [("x", "y"), (DETAILS_KEY, encode_details(error, whole=whole))])


@pytest.mark.parametrize(
    "branch",
    [Conflict, Denied, FairleadError, InvalidConfig, LimitExceeded, NotFound, Rejected, StoreUnavailable, TimedOut],
)
def test_an_error_arrives_as_its_class_with_its_findings(branch: type[FairleadError]) -> None:
    arrived = over_the_wire(branch("what, where, what next", findings=(FINDING, WARNING)))

    assert type(arrived) is branch
    assert arrived.message == "what, where, what next"
    assert arrived.findings == (FINDING, WARNING)


@pytest.mark.parametrize(("whole", "limit_bytes"), [(True, DETAILS_LIMIT_BYTES), (False, UNASKED_DETAILS_BYTES)])
def test_findings_that_do_not_fit_are_counted(whole: bool, limit_bytes: int) -> None:
    error = InvalidConfig("m" * 5000, findings=tuple(Finding("E1", f"number {n} " + "x" * 100) for n in range(5000)))

    encoded = encode_details(error, whole=whole)
    arrived = over_the_wire(error, whole=whole)

    assert arrived is not None
    assert limit_bytes * 0.9 < len(encoded) <= limit_bytes
    *kept, last = arrived.findings
    assert [finding.message.split()[1] for finding in kept] == [str(n) for n in range(len(kept))]
    assert last.message == f"{5000 - len(kept)} more findings are not shown"


def test_a_status_without_our_details_is_not_from_a_fairlead_server() -> None:
    assert decode_error("UNAVAILABLE", "m", [("content-type", "text/html")]) is None
    assert decode_error("UNAVAILABLE", "m", [(DETAILS_KEY, b"\xff\xff")]) is None
