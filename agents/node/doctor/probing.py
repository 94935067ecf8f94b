"""One question to one server or relay, step by step: connection, TLS, gRPC health, and what it serves this node.

The stream is the node's own, asks for a name that there cannot be, and ends with the answer: whoever knows the node's
group answers, also that there is nothing of the name, and tells the revision; whoever does not says nothing.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from grpc import aio

from agents.node.settings import AgentSettings
from agents.node.upstream.call import METHOD
from agents.node.upstream.channels import UpstreamTls, open_channel
from agents.node.upstream.messages import Messages, Rubbish
from api.envoy.registry import load_default
from api.errors import InvalidConfig
from api.hosting.address import Address
from xds.protocol.features import REVISION
from xds.protocol.requests import DeltaRequest, Node
from xds.protocol.types import ENDPOINT

CONNECT_S = 3.0
ANSWER_S = 3.0
NOBODY = "fairlead.dev/doctor"
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


@dataclass(frozen=True, slots=True)
class Probe:
    """How far one got. `why` is empty when all went well; else `stage` is where it ended.

    `certificate_ends_s` is Unix time, 0 without TLS; `revision` is 0 where it is not told (the group has none, or the
    server tells none); `knows_group` is None where it was not asked.
    """

    address: Address
    stage: str = ""
    why: str = ""
    connected_ms: float = 0.0
    certificate_ends_s: float = 0.0
    knows_group: bool | None = None
    revision: int = 0


class _Ended(Exception):
    """At a stage, with words."""


async def probe(address: Address, settings: AgentSettings, *, ask: bool) -> Probe:
    """Never raises. `ask`: also on a discovery stream, as this node; not while an agent has one."""
    found = Probe(address)
    try:
        with _stage("connection"):
            found = replace(found, connected_ms=await _connected_ms(address))
        with _stage("TLS"):
            found = replace(found, certificate_ends_s=await _secured_until_s(address, settings))
            channel = open_channel(address, _tls(settings))
        async with channel:
            with _stage("health"):
                await _healthy(channel)
            with _stage("discovery"):
                return await _asked(found, channel, settings) if ask else found
    except _Ended as ended:
        stage, why = ended.args
        return replace(found, stage=stage, why=why)


@contextmanager
def _stage(stage: str) -> Iterator[None]:
    """An error of this stage, in words."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise _Ended(stage, error.verify_message or str(error)) from None
    except TimeoutError:
        raise _Ended(stage, "no answer in time") from None
    except OSError as error:
        raise _Ended(stage, _words(error)) from None
    except aio.AioRpcError as error:
        raise _Ended(stage, f"{error.code().name}: {error.details()}") from None
    except (InvalidConfig, Rubbish, ValueError) as error:
        raise _Ended(stage, str(error)) from None


def _words(error: OSError) -> str:
    """The system's, without the address that asyncio puts in; a name that is not known has a number below 0."""
    number = error.errno or 0
    return (os.strerror(number) if number > 0 else error.strerror or str(error)).lower()


async def _connected_ms(address: Address) -> float:
    started_s = time.monotonic()
    async with asyncio.timeout(CONNECT_S):
        _, writer = await asyncio.open_connection(address.host, address.port)
    with closing(writer):
        return (time.monotonic() - started_s) * 1000


async def _secured_until_s(address: Address, settings: AgentSettings) -> float:
    """Until when their certificate is valid, after it was verified; 0 where TLS is not spoken."""
    if settings.upstream_ca is None:
        return 0.0
    context = ssl.create_default_context(cafile=settings.upstream_ca)
    context.set_alpn_protocols(["h2"])
    if settings.upstream_cert is not None:
        # Without this an encrypted key would make OpenSSL ask at the terminal.
        context.load_cert_chain(settings.upstream_cert, settings.upstream_key, password=lambda: "")
    name = settings.upstream_name or address.host
    async with asyncio.timeout(CONNECT_S):
        _, writer = await asyncio.open_connection(address.host, address.port, ssl=context, server_hostname=name)
    with closing(writer):
        return ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])


def _tls(settings: AgentSettings) -> UpstreamTls | None:
    if settings.upstream_ca is None:
        return None
    return UpstreamTls(settings.upstream_ca, settings.upstream_cert, settings.upstream_key, settings.upstream_name)


async def _healthy(channel: Any) -> None:
    if await channel.unary_unary(_HEALTH)(b"", timeout=ANSWER_S) != _SERVING:
        raise _Ended("health", "it says that it is not ready")


async def _asked(found: Probe, channel: Any, settings: AgentSettings) -> Probe:
    messages = Messages(load_default())
    call = channel.stream_stream(METHOD)()
    try:
        async with asyncio.timeout(ANSWER_S):
            await call.write(messages.request(_request(settings)))
            data = await call.read()
    except TimeoutError:
        # It let the stream be, and said nothing: so is answered whose group does not exist.
        return replace(found, knows_group=False)
    finally:
        call.cancel()
    if not isinstance(data, bytes):
        raise _Ended("discovery", f"it ended the stream: {(await call.code()).name}, {await call.details()}")
    answer = await messages.answer(data)
    return replace(found, knows_group=True, revision=answer.revision or 0)


def _request(settings: AgentSettings) -> DeltaRequest:
    node = Node(settings.node_id, settings.group, client_features=(REVISION,))
    return DeltaRequest(ENDPOINT, subscribe=(NOBODY,), node=node)
