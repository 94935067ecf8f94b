"""Plain HTTP for probes and Prometheus: /healthz, /readyz and /metrics, in the event loop of the server.

What else is on the port is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.hosting.address import Address
from api.hosting.listening import bind
from api.telemetry import metrics


def application(not_ready: Callable[[], str], routes: Sequence[Route] = ()) -> Starlette:
    """`not_ready` gives the reason why this server should get no new clients, or nothing."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        reason = not_ready()
        if reason:
            return JSONResponse({"ready": False, "reason": reason}, status_code=503)
        return JSONResponse({"ready": True})

    async def prometheus(request: Request) -> Response:
        body, content_type = await asyncio.to_thread(metrics.prometheus_text)
        return Response(body, media_type=content_type)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", prometheus), *routes],
    )


class HttpServer:
    """One listener, from start to stop."""

    def __init__(self, address: Address, not_ready: Callable[[], str], routes: Sequence[Route] = ()) -> None:
        self._wanted = address
        self._application = application(not_ready, routes)
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.address = str(address)

    async def start(self) -> None:
        """Listen. Raises InvalidConfig when the address cannot be had."""
        listener = bind(self._wanted)
        self.address = str(Address(self._wanted.host, listener.getsockname()[1]))
        configuration = uvicorn.Config(
            self._application, log_config=None, access_log=False, lifespan="off", server_header=False, ws="none"
        )
        self._server = _Quiet(configuration)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")

    async def stop(self) -> None:
        """Answer what is under way, and end. Idempotent."""
        server, task = self._server, self._task
        self._server = self._task = None
        if server is not None and task is not None:
            server.should_exit = True
            await task


class _Quiet(uvicorn.Server):
    """uvicorn takes SIGTERM for itself otherwise; the process has one owner of its signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
