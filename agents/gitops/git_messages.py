"""What the process that follows and the worker that speaks git say to each other: msgpack, each behind its length."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from agents.gitops.sources import Remote
from api.errors import Finding
from snapshots.authoring.limits import MIB

LENGTH: Final = struct.Struct(">I")
MESSAGE_LIMIT_BYTES: Final = 256 * MIB


class Limits(msgspec.Struct, frozen=True):
    """What a repository may cost: memory of the worker, bytes that one fetch may bring, bytes of all documents, and how
    long looking and fetching may take."""

    memory_bytes: int = 1024 * MIB
    pack_bytes: int = 256 * MIB
    documents_bytes: int = 64 * MIB
    look_s: float = 45.0
    fetch_s: float = 300.0


class Assignment(msgspec.Struct, frozen=True):
    """What a worker is for, told before all else: as a line of JSON."""

    directory: str
    remote: Remote
    limits: Limits


class Look(msgspec.Struct, tag="look", frozen=True):
    """Which commit does `reference` name now? `token` is a secret: it goes through a pipe, never an argument."""

    reference: str
    token: str = ""


class Fetch(msgspec.Struct, tag="fetch", frozen=True):
    """Bring a commit, and say what documents are below `path`. `before`: the commit followed until now, if any."""

    reference: str
    commit: str
    path: str
    before: str = ""
    token: str = ""


class Seen(msgspec.Struct, tag="seen", frozen=True):
    """The answer to Look."""

    commit: str


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A document of the commit: its path below the source's, and the id of its content."""

    path: str
    blob: str


class Fetched(msgspec.Struct, tag="fetched", frozen=True):
    """The answer to Fetch. `contents` has those that this worker has not sent before, by id; `findings` what cannot be
    read, which refuses the commit.

    `follows`: whether `before` is an ancestor; None when that cannot be seen without the whole history.
    """

    commit: str
    author: str
    message: str
    committed_at_s: int
    follows: bool | None
    entries: list[Entry]
    contents: dict[str, bytes]
    findings: list[Finding]


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """Why there is no other answer, in words for people and without secrets. `again`: worth trying by itself."""

    message: str
    again: bool = True


Request = Look | Fetch
Answer = Seen | Fetched | Failed

_encoder: Final = msgspec.msgpack.Encoder()
requests: Final = msgspec.msgpack.Decoder(Request)
answers: Final = msgspec.msgpack.Decoder(Answer)


def framed(message: Request | Answer) -> bytes:
    """A message behind its length."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body
