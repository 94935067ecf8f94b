"""--watch: print again whenever what would be printed has changed, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from api.cli.connect import ask
from api.cli.shared import Invocation

if TYPE_CHECKING:
    from api.management.client import ManagementClient

INTERVAL_S = 1.0
CLEAR_SCREEN = "\x1b[H\x1b[2J"
Seen = TypeVar("Seen")


def show_or_watch(
    invocation: Invocation,
    read: Callable[[ManagementClient], Awaitable[Seen]],
    show: Callable[[Seen], None],
    same: Callable[[Seen], object],
) -> None:
    """Read and show once; with --watch again each time that `same` of what was read differs."""
    if not invocation.watch:
        show(ask(invocation, read))
        return

    async def watch(client: ManagementClient) -> None:
        before: object = None
        while True:
            seen = await read(client)
            now = same(seen)
            if now != before:
                if sys.stdout.isatty():
                    sys.stdout.write(CLEAR_SCREEN)
                show(seen)
            before = now
            await asyncio.sleep(INTERVAL_S)

    ask(invocation, watch)
