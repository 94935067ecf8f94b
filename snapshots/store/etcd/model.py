"""What is said to etcd and what it answers, in frozen data.  No I/O here, and nothing of gRPC or protobuf.

Keys are text (UTF-8), values are bytes. A `revision` is etcd's: it counts the changes of the whole store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key as it was at `mod_revision`. `lease` 0: it stays until it is deleted."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A range of keys as they all were at `revision`; `more` when a limit left some out."""

    items: tuple[KeyValue, ...]
    revision: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition of a transaction; make it with the functions below."""

    key: str
    what: Literal["created", "modified", "value"]
    operand: int | bytes
    negated: bool = False


def created_is(key: str, revision: int) -> Compare:
    """The key is still the one that was created at `revision` (0: it does not exist)."""
    return Compare(key, "created", revision)


def modified_is(key: str, revision: int) -> Compare:
    """Nobody has changed the key since `revision` (0: it does not exist)."""
    return Compare(key, "modified", revision)


def value_is(key: str, value: bytes) -> Compare:
    """The key exists and holds exactly this."""
    return Compare(key, "value", value)


def exists(key: str) -> Compare:
    return Compare(key, "created", 0, negated=True)


def absent(key: str) -> Compare:
    return Compare(key, "created", 0)


@dataclass(frozen=True, slots=True)
class Put:
    key: str
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes one key, or everything under a prefix."""

    key: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Get:
    key: str


Op = Put | Delete | Get


def put(key: str, value: bytes, lease: int = 0) -> Put:
    return Put(key, value, lease)


def delete(key: str) -> Delete:
    return Delete(key)


def delete_prefix(prefix: str) -> Delete:
    return Delete(prefix, prefix=True)


def get(key: str) -> Get:
    return Get(key)


@dataclass(frozen=True, slots=True)
class OpResult:
    """What one operation of a transaction answered: `item` for a get (None: no such key), `deleted` for a delete."""

    item: KeyValue | None = None
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class TxnResult:
    """`succeeded`: the conditions held, and `responses` are those of `success`, in order; else those of `failure`."""

    succeeded: bool
    revision: int
    responses: tuple[OpResult, ...]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change. Of a deletion, `item` has the key and, as `mod_revision`, the revision that deleted it."""

    kind: Literal["put", "delete"]
    item: KeyValue


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """Changes in the order they were made; all of the revisions up to and including `revision` that the watch sees."""

    events: tuple[WatchEvent, ...]
    revision: int

    def put_items(self) -> tuple[KeyValue, ...]:
        return tuple(event.item for event in self.events if event.kind == "put")


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """One endpoint as it answered, or `problem` if it did not. Sizes in bytes; `quota_bytes` 0 before etcd 3.6.

    `leader` and `member` are ids in hexadecimal, as etcd's own tools print them; an empty `leader`: it knows of none.
    """

    endpoint: str
    version: str = ""
    member: str = ""
    leader: str = ""
    raft_term: int = 0
    db_size_bytes: int = 0
    db_size_in_use_bytes: int = 0
    quota_bytes: int = 0
    errors: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the cluster as the cluster itself lists it; an empty name has not started yet."""

    member: str
    name: str
    client_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that a member has raised; `kind` in etcd's words: NOSPACE or CORRUPT."""

    member: str
    kind: str
