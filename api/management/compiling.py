"""Documents to resources and findings, off the event loop when there are many: what Check, Plan and Publish share."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from api.errors import Finding, InvalidConfig
from api.management.uploads import Upload
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.envelope import ENVOY_RESOURCE
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.kept_workspaces import KeptWorkspaces
from snapshots.authoring.workspace import WORKSPACE_FILE
from snapshots.checks.budgets import UNLIMITED, Budgets
from snapshots.model import CompiledResource, Document, WorkspaceName
from xds.protocol.types import GroupName

# Below this a thread costs more than it saves; above it streams would wait for the compilation.
INLINE_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the documents come to. `refused`: there are errors that keep it from being served."""

    group: GroupName
    workspace: WorkspaceName
    resources: tuple[CompiledResource, ...]
    findings: tuple[Finding, ...]
    refused: bool
    statuses: tuple[ObjectStatus, ...] = ()
    budgets: Budgets = UNLIMITED

    def require(self) -> None:
        """Raises InvalidConfig with all findings when it is refused."""
        if self.refused:
            errors = sum(finding.severity == "error" for finding in self.findings)
            words = f"{errors} {'error' if errors == 1 else 'errors'} in the documents; nothing was stored"
            raise InvalidConfig(words, findings=self.findings)


class Compiler:
    """Compiles one large upload at a time: two at once would only make both slower. What a workspace came to before is
    kept: a change costs what depends on it."""

    def __init__(self, envoy: EnvoyApi) -> None:
        self._envoy = envoy
        self._kept = KeptWorkspaces(envoy)
        self._turn = asyncio.Lock()

    async def compile(self, upload: Upload) -> Compiled:
        if upload.size_bytes <= INLINE_BYTES:
            return self._compiled(upload)
        async with self._turn:
            with _nothing_collected():
                return await asyncio.to_thread(self._compiled, upload)

    def _compiled(self, upload: Upload) -> Compiled:
        header = upload.header
        with self._kept.borrowed((header.group, header.workspace, _owner(upload.documents))) as kept:
            compilation = compile_documents(
                self._envoy, upload.documents, workspace=header.workspace, group=header.group, kept=kept
            )
        return Compiled(
            group=compilation.group,
            workspace=compilation.workspace,
            resources=compilation.resources,
            findings=compilation.findings,
            refused=is_refused(compilation, partial=header.partial),
            statuses=compilation.statuses,
            budgets=compilation.budgets,
        )


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Nearly all that is made here stays. To look through it for garbage again and again, as it grows, takes almost as
    long as to make it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _owner(documents: Sequence[Document]) -> bytes:
    """What says whose the documents are, where the upload does not."""
    return next((each.content for each in documents if each.path == WORKSPACE_FILE), b"")


def is_refused(compilation: Compilation, *, partial: bool) -> bool:
    """Any error refuses the whole. A partial upload leaves out what is wrong, unless it is all or the owner."""
    if compilation.ok:
        return False
    about_all = any(finding.severity == "error" and not finding.path for finding in compilation.findings)
    # A Gateway API object without a resource serves something even so: the standard says what is answered for it.
    translated = any(each.subject.key.kind != ENVOY_RESOURCE for each in compilation.statuses)
    return not partial or about_all or not (compilation.resources or translated)
