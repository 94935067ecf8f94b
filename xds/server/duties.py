"""What a running server does beside serving: tells when it is ready, collects garbage, reloads on SIGHUP."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from api.errors import FairleadError
from api.hosting.ready_file import write_ready_file
from api.hosting.signals import Signals
from api.telemetry import logs, metrics
from xds.server.assembly import Parts
from xds.server.settings import ServerSettings

Say = Callable[[str], None]
Reload = Callable[[], ServerSettings]


@dataclass(frozen=True, slots=True)
class Duties:
    """Each method is a task that runs until it is cancelled, or until its work is done."""

    settings: ServerSettings
    parts: Parts
    signals: Signals
    say: Say
    reload: Reload | None

    async def announce(self) -> None:
        """Once everything that there was is loaded: tell health checks, write the ready file, say where we are."""
        if reason := await self._early_reason():
            self.say(f"not ready yet: {reason}")
        await self.parts.follower.ready.wait()
        # What is loaded lives as long as the process: looking through it again and again finds nothing.
        gc.collect()
        gc.freeze()
        await self.parts.xds.set_ready(True)
        await self.parts.management.set_ready(True)
        addresses = self.parts.addresses
        if self.settings.ready_file is not None:
            write_ready_file(self.settings.ready_file, asdict(addresses))
        kept = "; nothing is kept: the store is in memory" if self.settings.memory else ""
        self.say(f"ready: xDS {addresses.xds}, management {addresses.management}, http://{addresses.http}{kept}")

    async def _early_reason(self) -> str:
        """Why a server is not ready after two seconds; most are at once."""
        try:
            async with asyncio.timeout(2.0):
                await self.parts.follower.ready.wait()
        except TimeoutError:
            return self.parts.readiness.not_ready()
        return ""

    async def collect_garbage(self) -> None:
        """Now and then, and not all servers of one store at the same time. Troubles are told, not raised."""
        settings = self.settings
        while settings.gc_interval_s:
            await asyncio.sleep(settings.gc_interval_s * random.uniform(0.9, 1.1))
            try:
                swept = await self.parts.store.collect_garbage(
                    now_s=time.time(), grace_s=settings.gc_grace_s, keep_revisions=settings.gc_keep_revisions
                )
            except FairleadError as error:
                logs.logger("server").warning("garbage was not collected; it is tried again", reason=error.message)
                continue
            metrics.add(metrics.GARBAGE_REMOVED, swept.removed_bytes)
            logs.logger("server").info(
                "garbage collected", removed=swept.removed, bytes=swept.removed_bytes, revisions=swept.revisions
            )

    async def reload_on_request(self) -> None:
        """On SIGHUP: the log's level and form. Certificates need no request: every handshake looks at the files."""
        while True:
            await self.signals.reload.wait()
            self.signals.reload.clear()
            try:
                settings = self.reload() if self.reload else self.settings
            except FairleadError as error:
                findings = list(map(str, error.findings))
                logs.logger("server").error(
                    "settings refused; the old ones stay", reason=error.message, findings=findings
                )
                continue
            logs.configure(settings.log_level, settings.log_format)
            logs.logger("server").info("settings read again", log_level=settings.log_level)
