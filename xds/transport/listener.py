"""A grpc.aio server and the address it listens on: options, addresses, and errors that name the address.

Any service can be put on it. Option names are those of gRPC core (`grpc_types.h`, `channel_arg_names.h`).
"""

from __future__ import annotations

import os
import socket

import grpc
from grpc import aio

from api.errors import InvalidConfig
from api.hosting.address import Address, AnyAddress, CannotListen, SocketPath
from xds.transport.limits import Limits

# Clients may ping this often without data before they are told off; Envoy's keepalive is 30 s where it is set at all.
CLIENT_PING_INTERVAL_S = 5.0
PROBE_S = 1.0


def new_server(limits: Limits) -> aio.Server:
    """A server without services and ports."""
    return aio.server(options=_options(limits))


def listen(
    server: aio.Server,
    address: AnyAddress,
    credentials: grpc.ServerCredentials | None = None,
    *,
    plaintext_off_loopback: bool = False,
) -> AnyAddress:
    """Bind before `server.start()`. Returns the address really bound. A socket that nobody listens on is replaced.

    Raises InvalidConfig when the address cannot be had, or would be plaintext for others than this machine.
    """
    if credentials is None and not address.loopback and not plaintext_off_loopback:
        raise InvalidConfig(
            f"refusing to listen on {address} in plaintext: it can be reached from other machines. "
            "Give a certificate and key, listen on 127.0.0.1, or allow plaintext off loopback explicitly"
        )
    if reason := _why_not(address):  # asked first, because gRPC writes its own lines about it, or takes a socket away
        raise CannotListen(address, reason)
    try:
        if credentials is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), credentials)
    except RuntimeError as error:
        raise CannotListen(address, _why_not(address) or "it was taken for a moment") from error
    return Address(address.host, port) if isinstance(address, Address) else address


def _options(limits: Limits) -> list[tuple[str, int]]:
    options = [
        # Otherwise a second process of the same user could take a share of the connections unnoticed.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", limits.connection_streams),
        # What is beyond these is dropped without a word when many connect at once.
        ("grpc.server.max_pending_requests", limits.pending_requests),
        ("grpc.server.max_pending_requests_hard_limit", limits.pending_requests),
        ("grpc.max_connection_idle_ms", _ms(limits.connection_idle_s)),
        ("grpc.keepalive_time_ms", _ms(limits.keepalive_s)),
        ("grpc.keepalive_timeout_ms", _ms(limits.keepalive_timeout_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(CLIENT_PING_INTERVAL_S)),
    ]
    if limits.connection_age_s:
        options.append(("grpc.max_connection_age_ms", _ms(limits.connection_age_s)))  # gRPC adds +-10 %
        options.append(("grpc.max_connection_age_grace_ms", _ms(limits.connection_age_grace_s)))
    return options


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _why_not(address: AnyAddress) -> str:
    """The reason in the system's words, which gRPC keeps to its log; empty when the address can be had."""
    if isinstance(address, SocketPath):
        return _why_not_socket(address)
    return _why_not_port(address) if address.port else ""


def _why_not_port(address: Address) -> str:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        return f"the host is unknown ({error.strerror})"
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            return os.strerror(error.errno or 0).lower()
    return ""


def _why_not_socket(address: SocketPath) -> str:
    """gRPC puts its own in the place of any socket, so whether somebody listens on that one is found out before."""
    path = address.path
    unwritable = "" if os.access(path.parent, os.W_OK) else f"{path.parent} is no directory that can be written"
    if not path.exists():
        return unwritable
    if not path.is_socket():
        return "a file is there that is no socket"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return unwritable
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return "somebody listens on it"
