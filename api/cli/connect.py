"""One command against one server: the address, TLS, the deadline of the whole command, and Ctrl-C at any moment.

grpc is imported here when a command runs, never before.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from api.cli.contexts import Target, choose_target
from api.cli.shared import Invocation
from api.errors import TimedOut

if TYPE_CHECKING:
    from api.management.client import ManagementClient

CALL_TIMEOUT_S = 30.0
Result = TypeVar("Result")


def ask(invocation: Invocation, conversation: Callable[[ManagementClient], Awaitable[Result]]) -> Result:
    """Run a conversation with the invocation's server.

    Raises what the conversation raises, TimedOut when --timeout is over, KeyboardInterrupt on SIGINT and SIGTERM.
    """
    target = choose_target(invocation.server, invocation.context)

    async def converse() -> Result:
        from api.management.client import ManagementClient
        from api.management.connection import ClientTls

        paths = (Path(target.cert) if target.cert else None, Path(target.key) if target.key else None)
        tls = ClientTls(Path(target.ca), *paths) if target.ca else None
        async with ManagementClient(target.server, invocation.timeout_s or CALL_TIMEOUT_S, tls=tls) as client:
            return await _within(invocation.timeout_s, target, conversation(client))

    return run_interruptibly(converse)


async def _within(timeout_s: float | None, target: Target, work: Awaitable[Result]) -> Result:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        raise TimedOut(f"gave up after {timeout_s:g} s (--timeout), speaking to {target.server}") from None


def run_interruptibly(main: Callable[[], Awaitable[Result]]) -> Result:
    """Run a coroutine to its end; SIGINT and SIGTERM cancel it, let it clean up, and raise KeyboardInterrupt."""

    async def guarded() -> Result:
        task = asyncio.ensure_future(main())
        loop, interrupted = asyncio.get_running_loop(), False

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        try:
            return await task
        except asyncio.CancelledError:
            if interrupted:
                raise KeyboardInterrupt from None
            raise

    return asyncio.run(guarded())
