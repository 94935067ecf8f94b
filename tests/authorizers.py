"""Services that say whether a request may pass: over HTTP, and by Envoy's ext_authz protocol over gRPC.

Both let in who says `Authorization: Bearer alice`, tell the backend `x-user: alice`, and remember what they were shown.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from api.envoy.registry import load_default

PASS = "Bearer alice"
_CHECK = "/envoy.service.auth.v3.Authorization/Check"


@dataclass(frozen=True)
class Shown:
    """What a service was shown of one request; headers by name in small letters."""

    path: str
    headers: dict[str, str]
    body: str = ""


@dataclass
class Authorizer:
    """A service on a free loopback port, and what it was shown."""

    port: int = 0
    shown: list[Shown] = field(default_factory=list)

    def of(self, path: str) -> Shown:
        """The last that it was shown of a path."""
        return next(each for each in reversed(self.shown) if each.path == path)

    def lets_in(self, shown: Shown) -> bool:
        self.shown.append(shown)
        return shown.headers.get("authorization") == PASS


@contextmanager
def over_http() -> Iterator[Authorizer]:
    """Answers 200, or 401 with words of its own. Says of its answer what must not be said of the request."""
    authorizer = Authorizer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            lets_in = authorizer.lets_in(Shown(self.path, headers, body))
            self.send_response(200 if lets_in else 401)
            named = {"x-user": "alice", "x-more": "1", "content-type": "text/nothing"}
            for name, value in (named if lets_in else {"www-authenticate": "Bearer"}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"who")

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: tests ask what was shown."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    authorizer.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield authorizer
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def over_grpc() -> Iterator[Authorizer]:
    """Answers OK, or PERMISSION_DENIED, which is 403 to clients."""
    authorizer = Authorizer()
    server = grpc.server(ThreadPoolExecutor(2), handlers=(_Checks(authorizer),))
    authorizer.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield authorizer
    finally:
        server.stop(None)


class _Checks(grpc.GenericRpcHandler):
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        api = load_default()
        self._request, self._response = (
            api.message_class(f"envoy.service.auth.v3.Check{each}") for each in ("Request", "Response")
        )

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != _CHECK:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._check, self._request.FromString, self._response.SerializeToString
        )

    def _check(self, request: Any, context: grpc.ServicerContext) -> Any:
        http = request.attributes.request.http
        if not self._authorizer.lets_in(Shown(http.path, dict(http.headers), http.body)):
            return self._response(status={"code": grpc.StatusCode.PERMISSION_DENIED.value[0]})
        header = {"header": {"key": "x-user", "value": "alice"}}
        return self._response(status={"code": 0}, ok_response={"headers": [header]})
