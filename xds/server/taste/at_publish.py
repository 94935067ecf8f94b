"""The server's own taste: before anything is stored, one at a time. Off unless the settings ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from api.management.backend import Taste
from snapshots.model import CompiledResource, Document
from xds.protocol.types import GroupName
from xds.server.settings import ServerSettings
from xds.server.taste.findings import tasted_findings
from xds.server.taste.program import find_envoy
from xds.server.taste.tasting import taste


def taste_of(settings: ServerSettings, api: EnvoyApi) -> Taste | None:
    """Raises TasteUnavailable when the settings ask for a taste and there is no Envoy: such a server must not start."""
    if not settings.taste:
        return None
    program, turn = find_envoy(settings.envoy), asyncio.Lock()

    async def tasting(
        group: GroupName, resources: Sequence[CompiledResource], documents: Sequence[Document]
    ) -> tuple[Finding, ...]:
        async with turn:
            answer = await taste(api, resources, program, group=group, timeout_s=settings.taste_timeout_s)
        return await asyncio.to_thread(tasted_findings, api, answer, documents)

    return tasting
