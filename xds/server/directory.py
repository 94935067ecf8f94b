"""Follows a directory: publishes what it holds, and again when it changes. For `dev`, on one machine.

What is wrong with a file is told and nothing more: what was served stays served, and the next change is tried.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from api.errors import FairleadError, Finding
from api.management.uploads import Upload
from api.management.v1 import management_pb2 as pb
from api.telemetry import logs, tracing
from snapshots.authoring.files import SUFFIXES, read_documents

Publish = Callable[[Upload], Awaitable[pb.PublishResponse]]
Say = Callable[[str], None]
# Editors write a file in several steps: one change is what happens within this time.
SETTLE_MS = 100
RETRY_S = 2.0
SHOWN_FINDINGS = 50


class DirectoryFollower:
    """`publish` as the management service does it; `say` prints a line for the person who watches."""

    def __init__(self, directory: Path, publish: Publish, say: Say) -> None:
        self._directory = directory
        self._publish = publish
        self._say = say
        self._log: Any = logs.logger("dev")
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Publish now and after each change, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            while True:
                await self._changed.wait()
                self._changed.clear()
                if not await self._apply():
                    await asyncio.sleep(RETRY_S)
                    self._changed.set()

    async def _watch(self) -> None:
        """Watches before the first reading, so that no change falls in between. A directory that went may come back."""
        from watchfiles import awatch

        while True:
            self._changed.set()
            try:
                async for _ in awatch(self._directory, watch_filter=self._matters, debounce=SETTLE_MS, step=20):
                    self._changed.set()
            except OSError as error:
                self._say(f"{self._directory} cannot be watched: {error}; it is tried again")
            await asyncio.sleep(RETRY_S)

    def _matters(self, change: object, path: str) -> bool:
        """Documents and directories; nothing hidden, such as the data directory of the embedded etcd."""
        inside = Path(path).relative_to(self._directory.absolute())
        hidden = any(part.startswith(".") for part in inside.parts)
        return not hidden and inside.suffix in ("", *SUFFIXES)

    async def _apply(self) -> bool:
        """False when it is worth trying again without a change: the store was away."""
        try:
            documents = await asyncio.to_thread(read_documents, [self._directory])
            if not documents:
                # On its way from one branch to another, more often than meant.
                self._say(f"{self._directory}: there are no documents here (*.yaml, *.yml); nothing is changed")
                return True
            header = pb.UploadHeader(author=_author(), source=str(self._directory), message="dev")
            with tracing.span("fairlead dev"):
                answer = await self._publish(Upload(header, documents))
        except FairleadError as error:
            self._tell(error)
            return error.status != "UNAVAILABLE"
        except Exception as error:  # noqa: BLE001 -- a defect must not end the server that serves the last good state
            self._log.error("the directory could not be applied", directory=str(self._directory), exc_info=error)
            return True
        self._published(answer)
        return True

    def _published(self, answer: pb.PublishResponse) -> None:
        revision = answer.revision
        if not answer.created:
            self._say(f"{self._directory}: nothing changed, revision {revision.number} of {revision.group} is served")
            return
        self._say(
            f"{self._directory}: revision {revision.number} of {revision.group} stored "
            f"(+{revision.added} ~{revision.changed} -{revision.removed})"
        )

    def _tell(self, error: FairleadError) -> None:
        for finding in error.findings[:SHOWN_FINDINGS]:
            self._say(_line(finding))
        more = len(error.findings) - SHOWN_FINDINGS
        self._say(f"{self._directory}: {error.message}" + (f" ({more} more findings)" if more > 0 else ""))


def _line(finding: Finding) -> str:
    return f"{finding}\n  {finding.line} | {finding.excerpt}" if finding.excerpt else str(finding)


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "dev"
