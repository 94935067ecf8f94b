"""The life of one `fairlead gitops`: a loop and a worker for each source, HTTP for health, status and webhooks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.gitops import status
from agents.gitops.git_process import GitProcess
from agents.gitops.source_loop import SourceLoop
from agents.gitops.sources import Source
from agents.gitops.webhooks import Door, webhook_route
from api.hosting.address import Address
from api.hosting.http import HttpServer
from api.hosting.ready_file import write_ready_file
from api.hosting.signals import listening
from api.hosting.sole import sole
from api.management.client import ManagementClient
from api.telemetry import logs, metrics


@dataclass(frozen=True, slots=True)
class GitOps:
    """What to follow, and how to live. `data_dir` holds nothing that must be kept."""

    sources: Sequence[Source]
    http_address: Address
    data_dir: Path
    ready_file: Path | None = None
    log_level: str = "info"
    log_format: str = "json"

    async def run(self, client: ManagementClient, say: Callable[[str], None]) -> None:
        """Follow until SIGTERM or SIGINT. On the main thread. Raises InvalidConfig for an address that is taken."""
        logs.configure(self.log_level, self.log_format)
        metrics.start()
        with self._alone():
            await self._run(client, say)

    async def _run(self, client: ManagementClient, say: Callable[[str], None]) -> None:
        loops = self._loops(client)
        http = HttpServer(self.http_address, lambda: status.not_ready([each.status for each in loops]), _routes(loops))
        await http.start()
        try:
            with listening() as signals:
                if self.ready_file is not None:
                    write_ready_file(self.ready_file, {"http": http.address})
                say(f"following {', '.join(each.name for each in self.sources)}; http://{http.address}/status")
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(each.run()) for each in loops]
                    await signals.stop.wait()
                    for task in tasks:
                        task.cancel()
        finally:
            await http.stop()
            metrics.stop()
            if self.ready_file is not None:
                self.ready_file.unlink(missing_ok=True)

    async def run_once(self, client: ManagementClient) -> tuple[status.SourceStatus, ...]:
        """One pass of every source, one after the other, and what each came to. Nothing is followed to the nodes."""
        logs.configure(self.log_level, self.log_format)
        loops = self._loops(client)
        with self._alone():
            try:
                for each in loops:
                    await each.look_once()
            finally:
                for each in loops:
                    await each.close()
        return tuple(each.status for each in loops)

    def _alone(self) -> AbstractContextManager[None]:
        """Raises InvalidConfig when another process has its stores there, or nothing can be written."""
        taken = f"another `fairlead gitops` uses {self._stores}; give this one a --data-dir of its own"
        return sole(self._stores, taken=taken, unwritable="give a --data-dir")

    @property
    def _stores(self) -> Path:
        return self.data_dir / "gitops"

    def _loops(self, client: ManagementClient) -> list[SourceLoop]:
        # The same after a restart, which then need not wait for its own turn to end.
        holder = f"{socket.gethostname()}:{self._stores.resolve()}"
        return [SourceLoop(each, GitProcess(each, self._stores / each.name), client, holder) for each in self.sources]


def _routes(loops: Sequence[SourceLoop]) -> list[Route]:
    async def shown(request: Request) -> Response:
        return JSONResponse({"sources": [each.status.document() for each in loops]})

    doors = {each.source.name: Door(each.source, each.knock) for each in loops}
    return [Route("/status", shown), webhook_route(doors)]
