"""REST polling: `POST /v3/discovery:clusters` and its like, for clients that have nothing else. JSON in, JSON out.

200 is what was asked for; 304 says that the client has it. With anything else Envoy keeps what it has and asks again:
so a node without a group is answered 503, and not an empty state (protocol.md, rule 19). HTTP here is plaintext and
proves nobody: the settings keep it to loopback unless they say otherwise twice, and secrets never leave it.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xds.protocol.plan import Close
from xds.protocol.types import SECRET, TypeUrl
from xds.server.json_encoding import JsonEncoder
from xds.transport.conversation import DEFECT
from xds.transport.decoding import StreamRefused
from xds.transport.polling import Poller
from xds.transport.services import DISCOVERY_SERVICES

PREFIX = "/v3/discovery:"
ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_LIMIT_BYTES = 1024 * 1024
"""Parsing JSON holds up everybody else, so a poll may be smaller than a request on a stream."""

OFF = Close("NOT_FOUND", "REST polling is off here; clients speak gRPC to the xDS port, or set rest_polling")
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "DEADLINE_EXCEEDED": 408,
    "RESOURCE_EXHAUSTED": 413,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
_ROWS = {row.path: row for row in DISCOVERY_SERVICES if row.path}


def rest_is_off() -> Route:
    """What the paths answer while the setting is off."""

    async def refuse(request: Request) -> Response:
        return refusal(OFF)

    return Route(f"{PREFIX}{{noun}}", refuse, methods=ANY_METHOD)


def rest_route(poller: Poller, encoder: JsonEncoder, *, on_loopback: bool) -> Route:
    """All the paths. `on_loopback`: only this machine can reach the port."""
    withheld = frozenset[TypeUrl]() if on_loopback else frozenset({SECRET})

    async def discover(request: Request) -> Response:
        row = _ROWS.get(request.url.path)
        if row is None or row.only_type is None:
            return refusal(Close("NOT_FOUND", f"no such path; there are {', '.join(sorted(_ROWS))}"))
        if request.method != "POST":
            words = "ask with POST and a DiscoveryRequest in JSON"
            return refusal(Close("INVALID_ARGUMENT", words), 405, {"Allow": "POST"})
        if row.only_type in withheld:
            return refusal(Close("PERMISSION_DENIED", "secrets are not served over plaintext HTTP to other machines"))
        return await _answer(poller, encoder, row.only_type, request)

    return Route(f"{PREFIX}{{noun}}", discover, methods=ANY_METHOD)


async def _answer(poller: Poller, encoder: JsonEncoder, only_type: TypeUrl, request: Request) -> Response:
    address = f"{request.client.host}:{request.client.port}" if request.client else ""
    try:
        asked = poller.edge.decoder.state_json(await _body(request, poller.edge.limits.first_request_s))
        _, response = poller.answer(asked, only_type, address, {})
        if response is None:
            return Response(status_code=304)
        return Response(await encoder.encode(response), media_type="application/json")
    except StreamRefused as refused:
        poller.refused(refused.close, only_type, address)
        return refusal(refused.close)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except Exception as error:  # noqa: BLE001  # a defect ends this poll and no other; it is told to the observer
        poller.failed(address, error)
        return refusal(DEFECT)


async def _body(request: Request, within_s: float) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise StreamRefused("INVALID_ARGUMENT", f"the content type is {kind!r}; it must be application/json")
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > REQUEST_LIMIT_BYTES:
                    raise StreamRefused("RESOURCE_EXHAUSTED", f"a poll has at most {REQUEST_LIMIT_BYTES} bytes")
    except TimeoutError as error:
        raise StreamRefused("DEADLINE_EXCEEDED", f"the request did not come within {within_s:g} s") from error
    return bytes(body)


def refusal(close: Close, status_code: int = 0, headers: dict[str, str] | None = None) -> Response:
    """`{"error": {"code", "status", "message"}}`."""
    code = status_code or HTTP_STATUS[close.status]
    error = {"code": code, "status": close.status, "message": close.message}
    return JSONResponse({"error": error}, status_code=code, headers=headers)
