"""Upstreams that answer with what reached them, and a client that shows all of an answer."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TIMEOUT_S = 30


class Echo:
    """An HTTP server on a free loopback port that answers with its name and the request, as JSON.

    `?fails=2&id=a` answers 503 to the first two requests of that id; `?hangs=1` answers when the server ends.
    `asked` counts all requests by path.
    """

    def __init__(self, name: str, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.asked: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._ends = threading.Event()
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body leave in one segment

            def do_GET(self) -> None:
                said = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = echo.answer(self.path, _joined(self.headers), said.decode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_OPTIONS = do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: tests ask what was received."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def answer(self, path: str, headers: dict[str, str], said: str) -> tuple[int, bytes]:
        """Status and body; `said` is the request's."""
        parts = urlsplit(path)
        wanted = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._counting:
            self.asked[parts.path] += 1
            fails = self._failed[wanted.get("id", "")] < int(wanted.get("fails", 0))
            self._failed[wanted.get("id", "")] += 1
        if "hangs" in wanted:
            self._ends.wait()
        received = {"name": self.name, "path": path, "headers": headers, "body": said}
        return 503 if fails else 200, json.dumps(received).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()


def _joined(headers: Message) -> dict[str, str]:
    """By name in small letters; of several of one name, the values with commas between them."""
    return {name.lower(): ",".join(headers.get_all(name, ())) for name in headers}


@dataclass(frozen=True)
class Answer:
    """An answer; `echo` is what the upstream says that it received, empty if none was asked."""

    status: int
    headers: dict[str, str]
    echo: dict[str, Any]


def ask(
    port: int,
    path: str = "/",
    host: str = "shop.example",
    method: str = "GET",
    sni: str = "",
    body: str = "",
    **headers: str,
) -> Answer:
    """One request to 127.0.0.1, in TLS for `sni`; headers by name, with `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    if sni:
        connection.connect()
        connection.sock = _unverified().wrap_socket(connection.sock, server_hostname=sni)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, {"Host": host, **named})
        response = connection.getresponse()
        answered = response.read()
        echo = json.loads(answered) if answered.startswith(b"{") else {}
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, echo)
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    """Whose certificate it is, is not what is tested here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
