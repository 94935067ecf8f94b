"""Smart HTTP for a real git repository, by `git http-backend`; it can be made to wait, to refuse, to send nonsense."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from examples.demo.repository import IDENTITY, GitRepository


class SmartHttp:
    """A repository by smart HTTP. `token`: demanded as a password, if given. `before` is called with each request, and
    may wait, or return bytes to send instead of an answer. With `tls` it is HTTPS."""

    def __init__(self, repository: GitRepository, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.repository = repository
        self.token = token
        self.requests: list[str] = []
        self.before: Callable[[str], bytes | None] = lambda path: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, repository))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}/edge.git"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _handler(server: SmartHttp, repository: GitRepository) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            server.requests.append(f"{self.command} {self.path}")
            body = self._body()
            instead = server.before(self.path)
            if instead is not None:
                self.wfile.write(instead)
                self.close_connection = True
                return
            if server.token and not self._is_authorized():
                self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
                return
            self._send(*_by_backend(repository, self.command, self.path, dict(self.headers), body))

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _is_authorized(self) -> bool:
            scheme, _, given = self.headers.get("Authorization", "").partition(" ")
            return scheme == "Basic" and base64.b64decode(given).decode().partition(":")[2] == server.token

        def _send(self, code: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:
            pass

    return Handler


def _by_backend(
    repository: GitRepository, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One request by `git http-backend`, which is a CGI program."""
    place, _, query = path.partition("?")
    environment = {
        **os.environ, **IDENTITY, "GIT_PROJECT_ROOT": str(repository.top), "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": method, "PATH_INFO": place, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("Content-Type", ""), "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
    }  # fmt: skip
    done = subprocess.run(("git", "http-backend"), env=environment, input=body, capture_output=True, check=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    told = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(told.pop("Status", "200").split()[0]), told, content
