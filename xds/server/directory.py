"""Follows a directory: publishes what it holds, and again when it changes. For `dev`, on one machine.

What is wrong with a file is told, and the file is held back as it was: the others are published all the same, as they
are saved. What is saved while a publication is under way is told of meanwhile, and published next.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Set
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from api.errors import FairleadError, Finding, InvalidConfig
from api.management.uploads import Upload
from api.management.v1 import management_pb2 as pb
from api.telemetry import logs, tracing
from snapshots.authoring.kept_directory import KeptDirectory
from snapshots.model import Document
from xds.server.directory_news import DirectoryNews
from xds.server.held_back import held_back, wrong_paths

Publish = Callable[[Upload], Awaitable[pb.PublishResponse]]
Say = Callable[[str], None]
RETRY_S = 2.0
SHOWN_FINDINGS = 50


class DirectoryFollower:
    """`publish` as the management service does it; `say` prints a line for the person who watches."""

    def __init__(self, directory: Path, publish: Publish, say: Say) -> None:
        self._directory = directory
        self._publish = publish
        self._say = say
        self._log: Any = logs.logger("dev")
        self._right: tuple[Document, ...] = ()

    async def run(self) -> None:
        """Publish now and after each change, until cancelled."""
        with closing(DirectoryNews(self._directory)) as news:
            # Watched before it is listed, so that no change falls in between.
            kept = KeptDirectory(self._directory, entering=news.watch)
            paths: Set[str] = {news.top}
            settled = False
            while True:
                changed = await self._look(kept, news, paths)
                saved = any(map(kept.holds, paths))  # as it was, perhaps: whoever saves it wants it served
                if changed or saved or not settled:
                    settled = await self._apply(kept)
                paths = await news.next(RETRY_S if not settled else None)

    async def _look(self, kept: KeptDirectory, news: DirectoryNews, paths: Set[str]) -> bool:
        problem = news.problem
        with tracing.span("read documents") if paths != {news.top} else nullcontext():
            changed = await asyncio.to_thread(news.looking, kept.look, paths)
        if news.problem != problem:
            advice = "where a limit is reached, raise fs.inotify.max_user_watches or max_user_instances"
            self._say(f"{self._directory} cannot be watched ({news.problem}) and is looked at now and then; {advice}")
        return changed

    async def _apply(self, kept: KeptDirectory) -> bool:
        """False when it is worth trying again without a change: the store was away."""
        try:
            await self._apply_or_hold_back(kept)
        except FairleadError as error:
            self._tell(error)
            return error.status != "UNAVAILABLE"
        except Exception as error:  # noqa: BLE001 -- a defect must not end the server that serves the last good state
            self._log.error("the directory could not be applied", directory=str(self._directory), exc_info=error)
            return True
        return True

    async def _apply_or_hold_back(self, kept: KeptDirectory) -> None:
        """Raises what publishing raises, when holding wrong files back does not help."""
        try:
            documents = kept.documents()
            if not documents:
                # On its way from one branch to another, more often than meant.
                self._say(f"{self._directory}: there are no documents here (*.yaml, *.yml); nothing is changed")
                return
            answer = await self._publication(documents)
        except InvalidConfig as error:
            held = held_back(kept.readable(), self._right, wrong_paths(error.findings))
            if not (held.as_before or held.left_out) or not held.documents:
                raise
            self._tell(error)
            answer = await self._publication(held.documents, partial=True)
            self._right = held.right
            self._published(answer, f"; {held}")
            return
        self._right = documents
        self._published(answer)

    async def _publication(self, documents: tuple[Document, ...], *, partial: bool = False) -> pb.PublishResponse:
        # Who edits the directory sees at once what it does: nothing is too much at once.
        header = pb.UploadHeader(
            author=_author(), source=str(self._directory), message="dev", beyond_budgets=True, partial=partial
        )
        with tracing.span("fairlead dev"):
            return await self._publish(Upload(header, documents))

    def _published(self, answer: pb.PublishResponse, held: str = "") -> None:
        revision = answer.revision
        if not answer.created:
            self._say(
                f"{self._directory}: nothing changed, revision {revision.number} of {revision.group} is served{held}"
            )
            return
        self._say(
            f"{self._directory}: revision {revision.number} of {revision.group} stored "
            f"(+{revision.added} ~{revision.changed} -{revision.removed}){held}"
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
