"""A response for 1,000 streams: made once and given a nonce for each, made for each, or made of protobuf messages.

In one process and without a network: only the encoding is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from api.envoy.registry import load_default
from bench.report import Report, percentile
from xds.protocol.plan import Response
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, Nonce
from xds.protocol.variant import Variant
from xds.transport.encoding import ResponseEncoder

STREAMS = 1_000
SIZE_BYTES = 1_000
ROUNDS = 5
ENOUGH_BYTES = 64 * 2**20
_MESSAGE = "envoy.service.discovery.v3.DeltaDiscoveryResponse"

Encode = Callable[[Response], bytes]


async def run(report: Report) -> None:
    sharing, forgetful = ResponseEncoder(ENOUGH_BYTES), ResponseEncoder(0)
    for resources in (1, 200):
        shared = _cost_us(resources, lambda response: sharing.encode(Variant.DELTA, response).data)
        unshared = _cost_us(resources, lambda response: forgetful.encode(Variant.DELTA, response).data)
        messages = _cost_us(resources, _of_messages)
        name = f"of_{resources}"
        report.figure(f"{name}.shared", shared, f"us a stream for {resources} resources of {SIZE_BYTES} bytes")
        report.figure(f"{name}.unshared", unshared / shared, "times that when it is made for each stream")
        report.figure(f"{name}.messages", messages / shared, "times that when it is made of protobuf messages")


def _cost_us(resources: int, encode: Encode) -> float:
    """Microseconds for one of STREAMS streams; the median of several changes."""
    costs = []
    nonces = count(1)
    for number in range(ROUNDS):
        all_of_them = tuple(
            Resource(CLUSTER, f"cluster-{n}", f"v{number}", bytes(SIZE_BYTES)) for n in range(resources)
        )
        started_s = time.perf_counter()
        for _ in range(STREAMS):
            encode(Response(CLUSTER, Nonce(str(next(nonces))), "v", all_of_them, (), (resources, number)))
        costs.append((time.perf_counter() - started_s) / STREAMS * 1e6)
    return percentile(costs, 50)


def _of_messages(response: Response) -> bytes:
    message: Any = load_default().new(_MESSAGE)
    message.type_url, message.nonce, message.system_version_info = response.type_url, response.nonce, response.version
    for resource in response.resources:
        added = message.resources.add(name=resource.name, version=resource.version)
        added.resource.type_url, added.resource.value = resource.type_url, resource.body
    encoded: bytes = message.SerializeToString()
    return encoded
