"""A child process that ends with its parent, waited for without a thread.

`subprocess` rather than asyncio's own: under uvloop that forks the slow way, which disturbs gRPC's threads.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from snapshots.store.etcd import die_with_parent


class Child:
    """Started on the calling thread, and killed by the kernel when that thread ends."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @classmethod
    def start(
        cls, program: Sequence[str], *, directory: Path, environment: Mapping[str, str], output: int, keep_open: int
    ) -> Self:
        """`output` gets what it says; `keep_open` is a descriptor that it inherits. Raises OSError."""
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *program],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(keep_open,),
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children when it has let go of them
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` has it: negative for a signal; None while it runs."""
        return self._process.poll()

    async def wait(self) -> None:
        """Returns when it has ended."""
        if self.has_ended:
            return
        ended = asyncio.Event()
        watched = os.pidfd_open(self.pid)  # readable when the process ends
        try:
            asyncio.get_running_loop().add_reader(watched, ended.set)
            await ended.wait()
        finally:
            asyncio.get_running_loop().remove_reader(watched)
            os.close(watched)
        self._process.wait()

    async def end(self, patience_s: float) -> None:
        """Asks it to end, and kills it if it has not after `patience_s`."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(patience_s):
                await self.wait()
        except TimeoutError:
            self._process.kill()
            await self.wait()
