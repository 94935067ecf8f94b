"""A connection to one upstream. Certificates are read anew for each, so replaced files count from the next on.

Option names are those of gRPC core (`grpc_types.h`, `channel_arg_names.h`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from api.errors import InvalidConfig
from api.hosting.address import Address
from api.hosting.version import version

MIB = 1024 * 1024
ANSWER_BYTES = 64 * MIB
"""Of one response. A Fairlead server splits them far below that; others may not."""

KEEPALIVE_S, KEEPALIVE_TIMEOUT_S = 15.0, 5.0
CONNECT_S = 5.0
_SERVING = b"\x08\x01"  # HealthCheckResponse { status: SERVING }


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """PEM files: the CA of the servers; for mutual TLS the certificate to show and its key. `name`: what the servers'
    certificates say, where that is not their address."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    name: str = ""


def open_channel(address: Address, tls: UpstreamTls | None) -> aio.Channel:
    """Not connected yet. Raises InvalidConfig when a file cannot be read."""
    options = _options()
    if tls is None:
        return aio.insecure_channel(str(address), options)
    if tls.name:
        options.append(("grpc.ssl_target_name_override", tls.name))
    key, certificate = _read(tls.key), _read(tls.certificate)
    credentials = grpc.ssl_channel_credentials(_read(tls.ca), key, certificate)
    return aio.secure_channel(str(address), credentials, options)


async def connect(channel: aio.Channel, within_s: float = CONNECT_S) -> str:
    """Why nobody is there, or nothing. Returns at the first refusal, and does not try again."""
    state = channel.get_state(try_to_connect=True)
    try:
        async with asyncio.timeout(within_s):
            while state not in (grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE):
                await channel.wait_for_state_change(state)
                state = channel.get_state(try_to_connect=True)
            return "" if state is grpc.ChannelConnectivity.READY else await _reason(channel)
    except TimeoutError:
        return f"no connection within {within_s:g} s"


async def is_ready(channel: Any, within_s: float = CONNECT_S) -> bool:
    """What the upstream's health service says; one that has none is ready as long as it answers at all."""
    try:
        data: bytes = await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=within_s)
    except aio.AioRpcError as error:
        return error.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND)
    return data == _SERVING


async def _reason(channel: Any) -> str:
    """gRPC tells it to calls only."""
    call = channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
    return str(await call.details())


def _options() -> list[tuple[str, int | str]]:
    return [
        ("grpc.primary_user_agent", f"fairlead-agent/{version()}"),
        ("grpc.max_receive_message_length", ANSWER_BYTES),
        ("grpc.max_send_message_length", -1),
        # A connection of its own, for each try: what another has noticed of the same address is nothing to it.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.keepalive_time_ms", round(KEEPALIVE_S * 1000)),
        ("grpc.keepalive_timeout_ms", round(KEEPALIVE_TIMEOUT_S * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"TLS file {path}: {error.strerror}") from error
