"""What etcd and gRPC say when a call fails, translated once into the project's errors: what, where, what to do next.

etcd's sentences are part of its API (clients of every language match on them) and have not changed since 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import grpc
import grpc.aio

from api.errors import Denied, FairleadError, LimitExceeded, NotFound, StoreUnavailable

Code = grpc.StatusCode

# Refused before anything was done, so that even a write without a fence may be sent again.
_NOBODY_THERE = "failed to connect to all addresses"
_NEVER_DONE = (_NOBODY_THERE, "etcdserver: no leader")
# gRPC tells of its addresses and attempts before it comes to the reason.
_REASON = re.compile(r"Failed to connect to remote host: (?P<reason>[^:]+)$")
# The token has expired, its signing key has changed, or authentication was enabled after we connected.
_TOKEN_IS_STALE = ("invalid auth token", "revision of auth store is old", "user name is empty")
_TRANSIENT_CODES = (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.ABORTED)
# How a server that wants another client certificate, or any, ends the handshake: TLS 1.2's words, then TLS 1.3's,
# where it can only break off what looked like an open connection.
_REFUSES_CERTIFICATE = ("ALERT_BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "Unwrap failed")
_TOO_MANY_REQUESTS = "too many requests"
# The deadline of a call is known to etcd, too. Where it is the first to see it pass, it says so by the code UNKNOWN.
_OUT_OF_TIME = "context deadline exceeded"
_ANSWER_TOO_LARGE = "Received message larger than max"


class Compacted(FairleadError):
    """The revision asked for is gone; what is left begins at `compact_revision` (0: etcd did not say)."""

    status = "OUT_OF_RANGE"

    def __init__(self, message: str, compact_revision: int = 0) -> None:
        super().__init__(message)
        self.compact_revision = compact_revision


class CallFailed(Exception):
    """One attempt at one endpoint failed: gRPC's code and words. Inside this package only; see `store_errors`."""

    def __init__(self, endpoint: str, code: grpc.StatusCode, details: str, *, sent: bool = True) -> None:
        super().__init__(f"{endpoint}: {code.name}: {details}")
        self.endpoint = endpoint
        self.code = code
        self.details = details
        self.sent = sent

    @classmethod
    def of(cls, endpoint: str, error: grpc.aio.AioRpcError, *, sent: bool = True) -> Self:
        return cls(endpoint, error.code(), error.details() or "no details", sent=sent)

    @property
    def never_done(self) -> bool:
        """The call certainly had no effect."""
        return not self.sent or any(words in self.details for words in _NEVER_DONE)

    @property
    def nobody_there(self) -> bool:
        """No endpoint took a connection."""
        return _NOBODY_THERE in self.details

    @property
    def token_is_stale(self) -> bool:
        return any(words in self.details for words in _TOKEN_IS_STALE)

    @property
    def transient(self) -> bool:
        """Another attempt, perhaps elsewhere, may succeed. It may also do the same thing twice."""
        return self.code in _TRANSIENT_CODES or any(
            words in self.details for words in (_TOO_MANY_REQUESTS, _OUT_OF_TIME)
        )

    @property
    def answer_too_large(self) -> bool:
        return _ANSWER_TOO_LARGE in self.details


@dataclass(frozen=True, slots=True)
class _Meaning:
    words: str
    error: type[FairleadError]
    message: str


_TOO_LARGE = "refuses a request over its --max-request-bytes (1.5 MiB by default); make the change smaller, or raise it"
_CLIENT_CERTIFICATE = (
    "asks for a client certificate from its own authority ({details}); give the certificate file and its key file"
)
_DOCTOR = "`fairlead doctor` shows its state"
_SILENT = "did not answer in time: it is stopped, overloaded, or cut off. Try again; " + _DOCTOR

# In order: the first whose words are in the details. `{details}` are etcd's own words.
_MEANINGS = (
    _Meaning(
        "database space exceeded",
        StoreUnavailable,
        "is full: its quota is used up, and it takes no writes until its NOSPACE alarm is disarmed. Compact and "
        "defragment it (`etcdctl compact`, `etcdctl defrag`) or raise --quota-backend-bytes, then `etcdctl alarm "
        "disarm`; `fairlead doctor` shows its size and quota",
    ),
    _Meaning(
        "corrupt cluster", StoreUnavailable, "has found its data corrupt ({details}); restore that member. " + _DOCTOR
    ),
    _Meaning(
        "invalid user ID or password",
        Denied,
        "refuses the user name or password; check the etcd user, and the password or its file",
    ),
    _Meaning("user name is empty", Denied, "asks for a user; give an etcd user, and its password or password file"),
    _Meaning(
        "permission denied",
        Denied,
        "does not let this user do that; grant its role read and write on Fairlead's prefix "
        "(`etcdctl role grant-permission`)",
    ),
    _Meaning("invalid auth token", Denied, "refuses the token it gave; are all members' --auth-token options equal?"),
    _Meaning("request is too large", LimitExceeded, _TOO_LARGE),
    _Meaning("grpc: received message larger than max", LimitExceeded, _TOO_LARGE),  # the far side's gRPC, in Go
    _Meaning(_ANSWER_TOO_LARGE, LimitExceeded, "has an answer larger than is received here ({details}); ask for less"),
    _Meaning(
        "too many operations",
        LimitExceeded,
        "refuses a transaction over its --max-txn-ops (128 by default); raise it to at least 128",
    ),
    _Meaning("revision has been compacted", Compacted, "no longer has that revision: it was compacted. Read anew"),
    _Meaning("lease not found", NotFound, "no longer has that lease: it expired or was revoked"),
    _Meaning(_TOO_MANY_REQUESTS, StoreUnavailable, "has more requests than it can take; try again later. " + _DOCTOR),
    _Meaning(
        "leader",
        StoreUnavailable,
        "has no leader ({details}): most of its members are down or cut off, or an election is under way. Try again; "
        + _DOCTOR,
    ),
    _Meaning(
        "CERTIFICATE_VERIFY_FAILED",
        StoreUnavailable,
        "has a certificate that cannot be verified ({details}); check the CA file, and that the certificate names the "
        "address as it is written here",
    ),
    *(_Meaning(words, Denied, _CLIENT_CERTIFICATE) for words in _REFUSES_CERTIFICATE),
    _Meaning("SSL", StoreUnavailable, "fails the TLS handshake ({details}); is it TLS that it speaks there?"),
    _Meaning(
        "Socket closed",
        StoreUnavailable,
        "closed the connection; it is going down, or it speaks TLS and the address should begin with https://. "
        + _DOCTOR,
    ),
    _Meaning(
        "request timed out",
        StoreUnavailable,
        "could not commit in time: its disk is slow, or most of its members are cut off. Try again; " + _DOCTOR,
    ),
    _Meaning(_OUT_OF_TIME, StoreUnavailable, _SILENT),
)

_BY_CODE = {
    Code.UNAVAILABLE: (
        StoreUnavailable,
        "is not reachable ({details}); is it running, and is the address right? " + _DOCTOR,
    ),
    Code.DEADLINE_EXCEEDED: (StoreUnavailable, _SILENT),
    Code.CANCELLED: (StoreUnavailable, "was left: {details}"),
    Code.UNIMPLEMENTED: (StoreUnavailable, "does not know this call; etcd 3.4 or newer is needed ({details})"),
    Code.UNAUTHENTICATED: (Denied, "does not know us ({details}); check the etcd user and password"),
    Code.PERMISSION_DENIED: (Denied, "does not allow that ({details})"),
}


def translated(failure: CallFailed, doing: str) -> FairleadError:
    """The project's error for a failed call; `doing` is what it was for, such as "publish".

    Empty for the question how etcd is: then neither that nor the advice to ask it is said.
    """
    error, message = _meaning(failure)
    if not doing:
        return error(f"etcd at {failure.endpoint} {trouble(failure)}")
    return error(f"{doing}: etcd at {failure.endpoint} {_with_details(message, failure)}")


def trouble(failure: CallFailed) -> str:
    """The same without what it was for and without its endpoint: for a list of endpoints and how they are."""
    _, message = _meaning(failure)
    return _with_details(message.removesuffix(_DOCTOR).rstrip(" ;."), failure)


def _with_details(message: str, failure: CallFailed) -> str:
    details = " ".join(failure.details.split())
    reason = _REASON.search(details)
    return message.format(details=reason["reason"] if reason else details[:300])


def _meaning(failure: CallFailed) -> tuple[type[FairleadError], str]:
    for meaning in _MEANINGS:
        if meaning.words in failure.details:
            return meaning.error, meaning.message
    return _BY_CODE.get(failure.code, (FairleadError, f"answered {failure.code.name}: {{details}}"))


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Raises the project's errors instead of this package's."""
    try:
        yield
    except CallFailed as failure:
        raise translated(failure, doing) from failure
