"""What apply and rollback share: who is publishing, following what was stored, and saying how it ended."""

from __future__ import annotations

import asyncio
import getpass
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.cli.following import Followed, follow, raise_if_rejected
from api.cli.messages import plain
from api.cli.output import Format, show_document, write_lines
from api.cli.shared import Invocation
from api.cli.terminal import Paint, say
from api.errors import ServerUnreachable, StoreUnavailable, TimedOut

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb


AGAIN = "do the same again later: what was stored already is not stored twice, and `fairlead history` shows it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stored revision, and how following it ended, if it was followed."""

    published: pb.PublishResponse
    followed: Followed | None = None

    def line(self) -> str:
        """`revision 42 stored.  fleet 12/12 ACK, p99 0.8 s`."""
        revision = self.published.revision
        stored = f"revision {revision.number} stored." if self.published.created else _unchanged(revision)
        return f"{stored}  {self.followed}" if self.followed else stored

    def document(self) -> dict[str, Any]:
        followed = {"progress": self.followed.document()} if self.followed else {}
        return {**plain(self.published), **followed}


def _unchanged(revision: pb.Revision) -> str:
    return f"revision {revision.number} is that already; nothing was stored."


def author() -> str:
    """`user@machine`, as far as the machine knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


async def finish(
    client: ManagementClient, published: pb.PublishResponse, invocation: Invocation, *, wait: bool, started_s: float
) -> None:
    """Follow the revision if asked to, print the outcome, raise Rejected if gateways rejected it."""
    revision = published.revision
    followed = await follow(client, revision.group, revision.number, started_s) if wait else None
    show_outcome(Outcome(published, followed), invocation)
    if followed:
        await raise_if_rejected(client, revision.group, followed, Paint(invocation.color, sys.stderr))


def show_outcome(outcome: Outcome, invocation: Invocation) -> None:
    if invocation.output in (Format.JSON, Format.YAML):
        show_document(outcome.document(), invocation.output)
    elif invocation.output is Format.NAME:
        write_lines([str(outcome.published.revision.number)])
    else:
        write_lines([outcome.line()])


@contextmanager
def once_more_is_safe() -> Iterator[None]:
    """While a change is being stored: whoever hears no answer, or not the one hoped for, is told what to do."""
    try:
        yield
    except asyncio.CancelledError:
        say(f"stopped waiting for the answer; {AGAIN}")
        raise
    except (ServerUnreachable, StoreUnavailable, TimedOut) as error:
        error.message = f"{error.message}\n{AGAIN}"
        raise


def now_s() -> float:
    """Where waiting is counted from."""
    return time.monotonic()
