"""gRPC health beside the services of a server.

It is told for the server as a whole ("") and for each service: SERVING only while the server is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# The servicer tells its watchers one after another; one that does not read must not hold up the others.
TELL_WATCHERS_S = 1.0


class Health:
    """The health service of one server, NOT_SERVING at first."""

    def __init__(self, server: aio.Server, services: Iterable[str]) -> None:
        self._servicer: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs leave it out
        self._services = ("", *services)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def serving(self, is_serving: bool) -> None:
        """Tell whoever asks or watches."""
        statuses = health_pb2.HealthCheckResponse
        status = statuses.SERVING if is_serving else statuses.NOT_SERVING
        for service in self._services:
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_WATCHERS_S):
                    await self._servicer.set(service, status)
