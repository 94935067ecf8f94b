"""One request in HTTP/2 without TLS, as a client that knows before that it is spoken (RFC 9113, "prior knowledge").

Nothing that is sent is compressed, so that no library is needed; of the answer's status it is read whether it is 200.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

TIMEOUT_S = 30
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _ACKNOWLEDGED, _END_HEADERS = 1, 1, 4
_STREAM = 1
# RFC 7541: the first octet of an indexed field, `:status: 200`.
_STATUS_200 = 0x88


@dataclass(frozen=True)
class Http2Answer:
    """Whether the answer's status is 200, and its body."""

    is_ok: bool
    body: bytes


def ask_http2(port: int, path: str, host: str) -> Http2Answer:
    """A GET on a connection of its own. Raises ConnectionError when the stream is not answered to its end."""
    fields = {":method": "GET", ":scheme": "http", ":path": path, ":authority": host}
    block = b"".join(_literal(name) + _literal(value, b"") for name, value in fields.items())
    request = _frame(_SETTINGS, 0, 0) + _frame(_HEADERS, _END_STREAM | _END_HEADERS, _STREAM, block)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(_PREFACE + request)
        return _answer(connection)


def _answer(connection: socket.socket) -> Http2Answer:
    is_ok, body = False, b""
    for kind, flags, payload in _frames(connection):
        if kind == _SETTINGS and not flags & _ACKNOWLEDGED:
            connection.sendall(_frame(_SETTINGS, _ACKNOWLEDGED, 0))
        elif kind in (_RESET, _GOAWAY):
            raise ConnectionError(f"the request was refused: {payload.hex()}")
        elif kind == _HEADERS:
            is_ok = payload[0] == _STATUS_200
        elif kind == _DATA:
            body += payload
        if kind in (_HEADERS, _DATA) and flags & _END_STREAM:
            return Http2Answer(is_ok, body)
    raise ConnectionError("the connection ended before the answer")


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _frames(connection: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Kind, flags and payload of each, until the connection ends."""
    reader = connection.makefile("rb")
    while len(head := reader.read(9)) == 9:
        yield head[3], head[4], reader.read(int.from_bytes(head[:3], "big"))


def _literal(text: str, opening: bytes = b"\x00") -> bytes:
    """A name (`opening`: a literal field that is not indexed follows) or a value, in less than 127 octets."""
    return opening + bytes((len(text),)) + text.encode()
