"""Clients that send random bytes and mutated requests and end their calls anyhow, from one seed: a program of its own.

    python -m tests.rudeness ADDRESS SEED STREAMS

It ends by printing, as JSON, how many calls ended with which status. A program, because its connections end with it:
those of calls that could not be written to stay open in gRPC's memory, and a server keeps what it has for each.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from typing import Any

from grpc import aio

from api.envoy.registry import load_default
from api.nodes.v1 import nodes_pb2 as pb
from tests.clients import DISCOVERY
from tests.spine import ROOT
from xds.protocol.types import RESOURCE_TYPES
from xds.transport.csds import CLIENT_STATUS
from xds.transport.load_reports import LOAD_REPORTING
from xds.transport.node_reports import NODE_REPORTS
from xds.transport.services import DISCOVERY_SERVICES

AT_A_TIME = 20
REPORTS = f"/{LOAD_REPORTING}/StreamLoadStats"
OF_NODES = f"/{NODE_REPORTS}/Report"
METHODS = [
    *(f"/{row.name}/{method}" for row in DISCOVERY_SERVICES for method in (row.state, row.delta) if method),
    f"/{CLIENT_STATUS}/StreamClientStatus",
    REPORTS,
    OF_NODES,
]
TYPE_URLS = [*(row.url for row in RESOURCE_TYPES), "", "clusters", "type.googleapis.com/no.such.Thing", "/", "a/b" * 99]
NAMES = ["*", "", "hello", "local", "xdstp://a/b?c=d#e", "näme\n\x00", "x" * 5_000]
IDS = (*(["rude"] * 20), "other", "")
PATIENCE_S = 30.0


class Rude:
    """Makes what a client should not send. Everything comes from one seeded source."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._api = load_default()

    def method(self) -> str:
        return self._random.choice(METHODS)

    def messages(self, method: str) -> list[bytes]:
        return [self._message(method, first=number == 0) for number in range(self._random.randint(1, 8))]

    def ending(self) -> str:
        return self._random.choice(("half-close", "cancel", "abandon", "read"))

    def _message(self, method: str, *, first: bool) -> bytes:
        choice = self._random.random()
        if choice < 0.1:
            return self._random.randbytes(self._random.choice((0, 1, 10, 1_000, 100_000)))
        data = bytes(self._made(method, first=first).SerializeToString())
        return self._mutated(data) if choice < 0.5 else data

    def _made(self, method: str, *, first: bool) -> Any:
        if method == REPORTS:
            return self._report(first=first)
        return self._of_nodes(first=first) if method == OF_NODES else self._request(method, first=first)

    def _of_nodes(self, *, first: bool) -> Any:
        """Nodes that nobody has, answers that nobody asked for, and names without end."""
        dice, message = self._random, pb.AgentMessage()
        if first or dice.random() < 0.1:
            message.hello.node, message.hello.relay = dice.choice(IDS), dice.random() < 0.5
            message.hello.agent.labels.update({dice.choice(NAMES): "x" for _ in range(dice.choice((0, 3)))})
        elif dice.random() < 0.2:
            message.answer.order, message.answer.chunk = dice.choice((0, 1, 2**64 - 1)), b"x" * dice.choice((0, 99_999))
        else:
            message.reports.gone.extend(dice.choice(NAMES) for _ in range(dice.choice((0, 3, 2_000))))
            for _ in range(dice.choice((0, 1, 3, 2_000))):
                node = message.reports.nodes.add(node=f"{dice.choice(IDS)}{dice.choice(('', dice.random()))}")
                node.standing.revision = dice.choice((0, 1, 2**64 - 1))
                node.standing.refusals.add(type_url=dice.choice(TYPE_URLS), names=[dice.choice(NAMES)])
                node.running.types.add(type_url=dice.choice(TYPE_URLS), differs=[dice.choice(NAMES)])
        return message

    def _report(self, *, first: bool) -> Any:
        """Clusters and localities that nobody has, and any numbers."""
        dice, numbers = self._random, (0, 1, 2**64 - 1)
        message: Any = self._api.new("envoy.service.load_stats.v3.LoadStatsRequest")
        if first or dice.random() < 0.1:
            message.node.id, message.node.cluster = dice.choice(IDS), "edge"
        for _ in range(dice.choice((0, 1, 3, 2_000))):
            stats = message.cluster_stats.add(cluster_name=f"{dice.choice(NAMES)}{dice.choice((1, 2, dice.random()))}")
            stats.total_dropped_requests, stats.load_report_interval.nanos = (
                dice.choice(numbers),
                dice.choice((-1, 0, 1)),
            )
            row = stats.upstream_locality_stats.add(total_issued_requests=dice.choice(numbers))
            row.locality.zone, row.total_requests_in_progress = dice.choice(NAMES), dice.choice(numbers)
            row.load_metric_stats.add(
                metric_name=dice.choice(NAMES), total_metric_value=dice.choice((1e308, float("nan")))
            )
        return message

    def _request(self, method: str, *, first: bool) -> Any:
        kind = "DeltaDiscoveryRequest" if "/Delta" in method else "DiscoveryRequest"
        dice, request = self._random, self._api.new(DISCOVERY + kind)
        message: Any = request
        message.type_url = dice.choice(TYPE_URLS)
        message.response_nonce = dice.choice(("", "1", "2", "3", "99999999999999999999", "nonce"))
        if first or dice.random() < 0.1:
            message.node.id, message.node.cluster = dice.choice(IDS), "edge"
            message.node.metadata["deep"] = dice.choice((1, "x" * 1_000, None, [[[{}]]], *([True] * 20), float("inf")))
        if dice.random() < 0.3:
            message.error_detail.code, message.error_detail.message = dice.choice((-1, 0, 3)), "\x1b]0;rude\x07" * 50
        for field in ("resource_names", "resource_names_subscribe", "resource_names_unsubscribe"):
            if field in message.DESCRIPTOR.fields_by_name:
                many = dice.choice((0, 1, 3, 3, 2_000))
                getattr(message, field).extend(f"{dice.choice(NAMES)}{dice.choice(('', many))}" for _ in range(many))
        if "initial_resource_versions" in message.DESCRIPTOR.fields_by_name:
            message.initial_resource_versions.update({dice.choice(NAMES): "1" for _ in range(dice.choice((0, 3)))})
        return message

    def _mutated(self, data: bytes) -> bytes:
        mutable = bytearray(data)
        for _ in range(self._random.randint(1, 8)):
            if not mutable:
                break
            place = self._random.randrange(len(mutable))
            mutation = self._random.choice(("flip", "cut", "repeat", "insert"))
            if mutation == "flip":
                mutable[place] ^= 1 << self._random.randrange(8)
            elif mutation == "cut":
                del mutable[place : place + self._random.randint(1, 20)]
            elif mutation == "repeat":
                mutable[place:place] = mutable[place : place + self._random.randint(1, 200)]
            else:
                mutable[place:place] = self._random.randbytes(self._random.randint(1, 20))
        return bytes(mutable)


async def be_rude(rude: Rude, channel: aio.Channel, seen: Counter[str]) -> None:
    """One stream from its first message to how it ended."""
    method = rude.method()
    call = channel.stream_stream(method)()
    try:
        async with asyncio.timeout(PATIENCE_S):
            for data in rude.messages(method):
                await call.write(data)
            ending = rude.ending()
            if ending == "half-close":
                await call.done_writing()
                while await call.read() is not aio.EOF:  # type: ignore[attr-defined]
                    pass
            elif ending == "read":
                await asyncio.wait_for(call.read(), 0.05)
    except (TimeoutError, aio.AioRpcError, asyncio.InvalidStateError):
        pass
    call.cancel()
    # What grpc's client says of itself when it writes to a call that the server has ended; the status is lost then.
    lost = await call.details() == "Internal error from Core"
    seen["written after its end" if lost else (await call.code()).name] += 1


async def fuzz(address: str, seed: int, streams: int) -> Counter[str]:
    """So many calls, twenty at a time on a connection of their own; how they ended."""
    rude, seen = Rude(seed), Counter[str]()
    for _ in range(0, streams, AT_A_TIME):
        async with aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            await asyncio.gather(*(be_rude(rude, channel, seen) for _ in range(AT_A_TIME)))
    return seen


async def rude_clients(address: str, seed: int, streams: int) -> Counter[str]:
    """The same in a process of its own, which has ended when this returns."""
    command = (sys.executable, "-m", "tests.rudeness", address, str(seed), str(streams))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    out, _ = await process.communicate()
    assert process.returncode == 0, f"the rude clients failed with {process.returncode}"
    return Counter(json.loads(out))


if __name__ == "__main__":
    address, seed, streams = sys.argv[1:]
    print(json.dumps(asyncio.run(fuzz(address, int(seed), int(streams)))))
