"""Starts the server in this process: the only place of the command line that knows there is one.

Everything else in `api.cli` speaks to a server through the management API, wherever it runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import typer

from api.cli.terminal import say


def serve_until_told(*, flags: Mapping[str, object], config: Path | None = None, directory: Path | None = None) -> None:
    """Run the server until it is told to stop: 0 after SIGTERM, KeyboardInterrupt after Ctrl-C; both drain first.

    Raises InvalidConfig for settings that cannot be.
    """
    from xds.server import process
    from xds.server.settings import ServerSettings, load_settings

    def read_settings() -> ServerSettings:
        return load_settings(flags=flags, environment=os.environ, config=config)

    settings = read_settings()
    code, interrupted = _run(process.run(settings, watch_directory=directory, say=say, reload=read_settings))
    if interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(code)


def _run(server: Coroutine[Any, Any, int]) -> tuple[int, bool]:
    """Run to the end. Returns the exit code, and whether it was SIGINT that ended it."""
    import uvloop

    class NotingLoop(uvloop.Loop):
        """Remembers a SIGINT. The server ends well on it, but whoever pressed Ctrl-C must be told that it was that."""

        interrupted = False

        def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: object) -> None:
            def note() -> None:
                self.interrupted |= sig == signal.SIGINT
                callback(*args)

            super().add_signal_handler(sig, note)

    with asyncio.Runner(loop_factory=NotingLoop) as runner:
        code = runner.run(server)
        return code, bool(getattr(runner.get_loop(), "interrupted", False))
