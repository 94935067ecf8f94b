"""One client subscribes to 10,000 names: how long until it has the answer, in both variants, over gRPC.

The names are clusters, which the state of the world answers with a full state. No two rounds ask for the same names, so
that no answer was made before; `unknown` asks for names that do not exist, each of which gets an error.
"""

from __future__ import annotations

import time
from typing import Any

from grpc import aio

from api.envoy.registry import load_default
from bench.children import Child
from bench.load import open_call
from bench.report import Report, percentile
from xds.protocol.types import CLUSTER
from xds.protocol.variant import Variant

NAMES = 10_000
RESOURCES = 12_000
SIZE_BYTES = 100
ROUNDS = 15
LIMIT_MS = 100.0
_SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
_METHODS = {Variant.DELTA: "DeltaAggregatedResources", Variant.STATE_OF_THE_WORLD: "StreamAggregatedResources"}
_MESSAGES = {Variant.DELTA: "DeltaDiscovery", Variant.STATE_OF_THE_WORLD: "Discovery"}


async def run(report: Report) -> None:
    server = await Child.start("bench.serve")
    try:
        address = (await server.ask("fill", resources=RESOURCES, size_bytes=SIZE_BYTES))["address"]
        async with aio.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
            for variant in Variant:
                for known in (True, False):
                    await _measure(report, channel, variant, known=known)
    finally:
        await server.stop()


async def _measure(report: Report, channel: aio.Channel, variant: Variant, *, known: bool) -> None:
    delays_ms = [await _delay_ms(channel, variant, _names(number, known)) for number in range(ROUNDS)]
    name = f"{variant.value}{'' if known else '.unknown'}"
    report.figure(name, percentile(delays_ms, 50), f"ms for {NAMES} names (median)", limit=LIMIT_MS)
    report.figure(f"{name}.slowest", max(delays_ms), f"ms, of {ROUNDS}")


def _names(number: int, known: bool) -> list[str]:
    """Those of one round: all rounds differ."""
    kind = "cluster" if known else "unknown"
    return [f"{kind}-{index:06}" for index in range(number * 100, number * 100 + NAMES)]


async def _delay_ms(channel: aio.Channel, variant: Variant, names: list[str]) -> float:
    """From the first byte sent on a new stream to the last one received."""
    call = open_call(channel, _SERVICE + _METHODS[variant])
    request = _request(variant, names)
    started_s = time.perf_counter()
    await call.write(request)
    told, delay_s = 0, 0.0
    while told < NAMES:
        data = await call.read()
        delay_s = time.perf_counter() - started_s
        told += _told(variant, data)
    call.cancel()
    return delay_s * 1000


def _request(variant: Variant, names: list[str]) -> bytes:
    request: Any = load_default().new(f"envoy.service.discovery.v3.{_MESSAGES[variant]}Request")
    request.type_url = CLUSTER
    request.node.id, request.node.cluster = "asker", "bench"
    (request.resource_names_subscribe if variant is Variant.DELTA else request.resource_names).extend(names)
    encoded: bytes = request.SerializeToString()
    return encoded


def _told(variant: Variant, data: bytes) -> int:
    """Names that a response says something of."""
    response: Any = load_default().new(f"envoy.service.discovery.v3.{_MESSAGES[variant]}Response")
    response.ParseFromString(data)
    return len(response.resources) + len(response.resource_errors)
