"""Random bytes, mutated requests and rude endings against a real server process: nobody else notices.

Seeded, so that a failure can be played again: FAIRLEAD_FUZZ_SEED=… and FAIRLEAD_FUZZ_STREAMS=… (800 by default).
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import aio

from api.envoy.registry import load_default
from tests.clients import DISCOVERY, DeltaClient, StateClient
from tests.edges import eventually
from tests.spine import ROOT, ServerProcess, memory_mib
from xds.protocol.types import CLUSTER, ENDPOINT, RESOURCE_TYPES
from xds.server.csds import CLIENT_STATUS
from xds.server.load_reports import LOAD_REPORTING
from xds.server.services import DISCOVERY_SERVICES

SEEDS = [int(seed) for seed in os.environ.get("FAIRLEAD_FUZZ_SEED", "1,2,3").split(",")]
STREAMS = int(os.environ.get("FAIRLEAD_FUZZ_STREAMS", "800"))
AT_A_TIME = 20
GROWTH_LIMIT_MIB = 90  # with a message left behind in each stream it was 130
REPORTS = f"/{LOAD_REPORTING}/StreamLoadStats"
METHODS = [
    *(f"/{row.name}/{method}" for row in DISCOVERY_SERVICES for method in (row.state, row.delta) if method),
    f"/{CLIENT_STATUS}/StreamClientStatus",
    REPORTS,
]
TYPE_URLS = [*(row.url for row in RESOURCE_TYPES), "", "clusters", "type.googleapis.com/no.such.Thing", "/", "a/b" * 99]
NAMES = ["*", "", "hello", "local", "xdstp://a/b?c=d#e", "näme\n\x00", "x" * 5_000]
IDS = (*(["rude"] * 20), "other", "")
EXPECTED = {"OK", "CANCELLED", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "written after its end"}


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
        made = self._report(first=first) if method == REPORTS else self._request(method, first=first)
        data = bytes(made.SerializeToString())
        return self._mutated(data) if choice < 0.5 else data

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
        async with asyncio.timeout(10):
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    shutil.copytree(ROOT / "examples" / "first", tmp_path / "site")
    server = ServerProcess(tmp_path / "server", "--memory", str(tmp_path / "site")).start()
    yield server
    server.stop()


async def fuzz(address: str, seed: int, streams: int) -> Counter[str]:
    rude, seen = Rude(seed), Counter[str]()
    for _ in range(0, streams, AT_A_TIME):
        async with aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            await asyncio.gather(*(be_rude(rude, channel, seen) for _ in range(AT_A_TIME)))
    return seen


@pytest.mark.parametrize("seed", SEEDS)
async def test_rude_clients_disturb_nobody(server: ServerProcess, seed: int) -> None:
    cluster = server.directory.parent / "site" / "cluster.yaml"
    async with (
        DeltaClient(server.xds, "polite", "edge") as delta,
        StateClient(server.xds, "also-polite", "edge") as state,
    ):
        for client in (delta, state):
            await client.subscribe(CLUSTER)
            assert len((await client.next()).resources) == 1
            await client.ack(CLUSTER)
        await fuzz(server.xds, seed, AT_A_TIME * 2)  # what is loaded once is loaded now
        before_mib = memory_mib(server.pid)

        seen = await fuzz(server.xds, seed, STREAMS)

        assert set(seen) <= EXPECTED, seen
        assert seen["INVALID_ARGUMENT"] > STREAMS / 20, seen
        for client in (delta, state):
            assert await client.hears_nothing(0.1)
        cluster.write_text(cluster.read_text().replace("connect_timeout: 1s", "connect_timeout: 7s"))
        for client in (delta, state):
            assert len((await client.next()).resources) == 1
            await client.ack(CLUSTER)
            await client.subscribe(ENDPOINT, ["hello"])
            assert (await client.next()).type_url == ENDPOINT
        await eventually(lambda: server.open_streams() == 2, "the rude streams are gone")
        assert memory_mib(server.pid) - before_mib < GROWTH_LIMIT_MIB
    assert server.run("top", "--group", "edge").code == 0
    assert server.ask("/metrics")[0] == 200
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "[error" not in log
    assert "never retrieved" not in log
