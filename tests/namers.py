"""Servers that tell everybody their name, over TCP, in TLS or over UDP, and the clients that ask for it."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading

import trustme

TIMEOUT_S = 30
AUTHORITY = trustme.CA()


class Namer:
    """A server on a free loopback port that tells everybody its name: over TCP, in TLS for its name, or over UDP."""

    def __init__(self, name: str, transport: str = "tcp") -> None:
        answer = name.encode()
        context = shown(AUTHORITY, name) if transport == "tls" else None

        class Stream(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connection = context.wrap_socket(self.request, server_side=True) if context else self.request
                connection.sendall(answer)

        class Packet(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request[1].sendto(answer, self.client_address)

        kind = socketserver.UDPServer if transport == "udp" else socketserver.ThreadingTCPServer
        self._server = kind(("127.0.0.1", 0), Packet if transport == "udp" else Stream)
        self.name, self.port = name, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Namer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def shown(authority: trustme.CA, name: str, purpose: ssl.Purpose = ssl.Purpose.CLIENT_AUTH) -> ssl.SSLContext:
    """Shows a certificate for a name. A client's trusts AUTHORITY."""
    context = ssl.create_default_context(purpose)
    authority.issue_cert(name).configure_cert(context)
    if purpose is ssl.Purpose.SERVER_AUTH:
        AUTHORITY.configure_trust(context)
    return context


def _read(connection: socket.socket) -> str:
    """All that comes; empty when the connection is closed without a word, or reset."""
    found = b""
    try:
        while part := connection.recv(100):
            found += part
    except ConnectionError:
        return found.decode()
    return found.decode()


def over_tcp(port: int) -> str:
    """Who answers a TCP connection; empty: it is taken, and closed."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        return _read(connection)


def over_tls(port: int, name: str, context: ssl.SSLContext | None = None) -> str:
    """Who answers TLS for a name, whose certificate is checked; empty: the connection is taken, and closed."""
    if context is None:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name) as connection:
                return _read(connection)
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionError):
            return ""


def over_udp(port: int, patience_s: float = TIMEOUT_S) -> str:
    """Who answers a packet from a new client; empty: nobody in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(patience_s)
        client.sendto(b"who?", ("127.0.0.1", port))
        try:
            return client.recv(100).decode()
        except TimeoutError:
            return ""
