"""Traffic for the demo and the tests: upstreams that say who they are, and a client that never stops asking."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class _QuietServer(ThreadingHTTPServer):
    """A connection that somebody else has reset is no news here: the client counts."""

    def handle_error(self, request: object, client_address: object) -> None: ...


class Upstream:
    """An HTTP server on a free loopback port that answers every GET with its name."""

    def __init__(self, name: str) -> None:
        body = name.encode()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body leave in one segment

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: the client counts."""

        self.name = name
        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Traffic:
    """Asks `http://127.0.0.1:port/` again and again from one thread, on one connection, and counts the answers.

    With `tls` it asks by https, with `host` for that host. `answers` counts bodies of 200s, `failures` holds everything
    else in words: other statuses, and every connection that is refused, reset or closed, also one that was kept alive.
    Nothing is forgiven and nothing is tried again.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, host: str = "") -> None:
        self._port = port
        self._tls = tls
        self._headers = {"Host": host} if host else {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.last = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(10)

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def _run(self) -> None:
        connection = self._connection()
        while not self._stop.wait(0.002):
            self._ask(connection)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=self._tls)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        try:
            status, body = _get(connection, self._headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.failures.append(repr(error))
            return
        if status == 200:
            self.answers[body] += 1
            self.last = body
        else:
            self.failures.append(f"{status} {body}")


def _get(connection: http.client.HTTPConnection, headers: dict[str, str]) -> tuple[int, str]:
    connection.request("GET", "/", headers=headers)
    response = connection.getresponse()
    return response.status, response.read().decode(errors="replace")
