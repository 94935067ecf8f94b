"""A WebSocket server that sends back what it is told, and a client for one conversation.  RFC 6455.

Texts of less than 126 octets only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socketserver
import threading
from socket import create_connection
from typing import BinaryIO, Self

TIMEOUT_S = 30
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _LAST, _MASKED = 1, 8, 0x80, 0x80


class WebSocketEcho:
    """Listens on a free loopback port; each text is answered with the server's name, the path, and the text."""

    def __init__(self, name: str) -> None:
        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = _head(self.rfile)
                path, key = head.split(" ")[1], _field(head, "Sec-WebSocket-Key")
                lines = ("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket")
                self.wfile.write("\r\n".join((*lines, f"Sec-WebSocket-Accept: {_accept(key)}", "", "")).encode())
                while (said := _read(self.rfile)) is not None:
                    self.wfile.write(_frame(f"{name} {path}: {said}"))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def converse(port: int, path: str, host: str, *texts: str) -> list[str]:
    """Say each text on one WebSocket and wait for its answer. Raises ConnectionError if there is no WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    wants = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
    with create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall("\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", *wants, "", "")).encode())
        reader = connection.makefile("rb")
        head = _head(reader)
        if " 101 " not in head or _field(head, "Sec-WebSocket-Accept") != _accept(key):
            raise ConnectionError(f"no WebSocket: {head.splitlines()[:1]}")
        answers = []
        for text in texts:
            connection.sendall(_frame(text, mask=os.urandom(4)))
            answers.append(_read(reader) or "")
        return answers


def _head(reader: BinaryIO) -> str:
    """A request or an answer up to its empty line."""
    lines = []
    while (line := reader.readline().decode()).strip():
        lines.append(line)
    return "".join(lines)


def _field(head: str, name: str) -> str:
    found = re.search(rf"^{name}: *(\S+)", head, re.I | re.M)
    return found[1] if found else ""


def _accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def _frame(text: str, mask: bytes = b"") -> bytes:
    """One text. Clients mask what they say."""
    said = text.encode()
    length = len(said) | (_MASKED if mask else 0)
    return bytes((_LAST | _TEXT, length)) + mask + (_unmasked(said, mask) if mask else said)


def _read(reader: BinaryIO) -> str | None:
    """The next text; None when the other side is done."""
    head = reader.read(2)
    if len(head) < 2 or head[0] & 0x0F == _CLOSE:
        return None
    mask = reader.read(4) if head[1] & _MASKED else b""
    said = reader.read(head[1] & 0x7F)
    return (_unmasked(said, mask) if mask else said).decode()


def _unmasked(said: bytes, mask: bytes) -> bytes:
    return bytes(each ^ mask[index % 4] for index, each in enumerate(said))
