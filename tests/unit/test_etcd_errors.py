"""What etcd says, in the project's errors; and which of it may be tried again."""

from __future__ import annotations

import grpc
import pytest

from api.errors import Denied, FairleadError, LimitExceeded, StoreUnavailable
from snapshots.store.etcd.errors import CallFailed, Compacted, store_errors, trouble
from snapshots.store.etcd.versions import is_too_old, known_defect

Code = grpc.StatusCode


def failure(code: grpc.StatusCode, details: str, *, sent: bool = True) -> CallFailed:
    return CallFailed("http://etcd:2379", code, details, sent=sent)


def raise_as(doing: str, error: CallFailed) -> None:
    with store_errors(doing):
        raise error


@pytest.mark.parametrize(
    ("code", "details", "error", "words"),
    [
        (Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", StoreUnavailable, "etcdctl defrag"),
        (Code.RESOURCE_EXHAUSTED, "etcdserver: too many requests", StoreUnavailable, "try again later"),
        (Code.INVALID_ARGUMENT, "etcdserver: request is too large", LimitExceeded, "max-request-bytes"),
        (Code.INVALID_ARGUMENT, "etcdserver: too many operations in txn request", LimitExceeded, "max-txn-ops"),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (9 vs. 4)", LimitExceeded, "ask for less"),
        (Code.RESOURCE_EXHAUSTED, "grpc: received message larger than max (9 vs. 4)", LimitExceeded, "make the change"),
        (Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", Compacted, "Read anew"),
        (Code.UNAVAILABLE, "etcdserver: no leader", StoreUnavailable, "no leader"),
        (Code.UNAVAILABLE, "etcdserver: request timed out", StoreUnavailable, "disk is slow"),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", StoreUnavailable, "did not answer in time"),
        (Code.UNKNOWN, "context deadline exceeded", StoreUnavailable, "did not answer in time"),
        (Code.PERMISSION_DENIED, "etcdserver: permission denied", Denied, "grant-permission"),
        (Code.DATA_LOSS, "etcdserver: corrupt cluster", StoreUnavailable, "restore that member"),
        (Code.UNIMPLEMENTED, "unknown service etcdserverpb.KV", StoreUnavailable, r"3\.4 or newer"),
        (Code.INTERNAL, "odd {braces}", FairleadError, "INTERNAL: odd {braces}"),
    ],
)
def test_each_refusal_says_what_was_tried_where_and_what_to_do(
    code: grpc.StatusCode, details: str, error: type[FairleadError], words: str
) -> None:
    with pytest.raises(error, match=rf"^publish: etcd at http://etcd:2379 .*{words}") as caught:
        raise_as("publish", failure(code, details))
    assert type(caught.value) is error


def test_grpcs_way_to_a_refused_connection_is_cut_to_its_reason() -> None:
    details = (
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:2379: "
        "Failed to connect to remote host: Connection refused"
    )
    refused = failure(Code.UNAVAILABLE, details)
    assert trouble(refused) == "is not reachable (Connection refused); is it running, and is the address right?"
    with pytest.raises(StoreUnavailable, match=r"not reachable \(Connection refused\); .*`fairlead doctor`"):
        raise_as("publish", refused)
    assert refused.nobody_there
    assert not failure(Code.UNAVAILABLE, "Socket closed").nobody_there


def test_what_may_have_been_done_is_told_from_what_was_not() -> None:
    assert failure(Code.UNAVAILABLE, "failed to connect to all addresses; refused").never_done
    assert failure(Code.UNAVAILABLE, "etcdserver: no leader").never_done
    assert failure(Code.UNAVAILABLE, "Socket closed", sent=False).never_done
    assert not failure(Code.UNAVAILABLE, "Socket closed").never_done
    assert not failure(Code.UNAVAILABLE, "etcdserver: leader changed").never_done
    assert not failure(Code.DEADLINE_EXCEEDED, "Deadline Exceeded").never_done


def test_what_may_pass_by_itself_is_told_from_what_does_not() -> None:
    assert failure(Code.UNAVAILABLE, "Socket closed").transient
    assert failure(Code.RESOURCE_EXHAUSTED, "etcdserver: too many requests").transient
    assert failure(Code.UNKNOWN, "context deadline exceeded").transient
    assert not failure(Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded").transient
    assert not failure(Code.INVALID_ARGUMENT, "etcdserver: request is too large").transient


@pytest.mark.parametrize(
    ("version", "old"),
    [("3.4.0", False), ("3.6.0-rc.1", False), ("10.0.0", False), ("3.3.27", True), ("2.3.8", True), ("", True)],
)
def test_versions_are_compared_as_numbers(version: str, old: bool) -> None:
    assert is_too_old(version) is old


@pytest.mark.parametrize(("version", "bad"), [("3.4.23", False), ("3.5.0", True), ("3.5.2", True), ("3.5.3", False)])
def test_versions_that_lose_data_are_known(version: str, bad: bool) -> None:
    assert bool(known_defect(version)) is bad
