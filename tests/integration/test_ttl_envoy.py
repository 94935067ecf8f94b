"""Times to live in a real Envoy, both variants at once: it goes on with what it hears of, and in silence lets go."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.node.envoy.admin import Admin
from examples.demo.envoy import Envoy
from tests.agents import AgentProcess, an_agent
from tests.spine import ServerProcess, wait_for
from xds.bootstrap import Place, envoy_bootstrap
from xds.protocol.variant import Variant

pytestmark = pytest.mark.envoy

TTL_S = 6
NOT_SOON_S = 60
HEARTBEATS = 3  # at half of the time each: longer together than what lives for it
DOCUMENTS = f"""
apiVersion: fairlead.dev/v1
kind: Workspace
metadata: {{name: lab}}
spec: {{group: edge}}
---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: experiment, annotations: {{fairlead.dev/ttl: {TTL_S}s}}}}
spec:
  "@type": type.googleapis.com/envoy.service.runtime.v3.Runtime
  name: experiment
  layer: {{colour: green}}
---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: borrowed, annotations: {{fairlead.dev/ttl: {TTL_S}s}}}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: borrowed
---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: lasting}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: lasting
"""


@pytest.fixture
def envoys(tmp_path: Path, server: ServerProcess) -> Iterator[list[Envoy]]:
    running: list[Envoy] = []
    try:
        for variant in Variant:
            bootstrap = json.dumps(bootstrap_of(server, variant))
            running.append(Envoy.run(tmp_path / "envoy", variant.value, bootstrap))
        yield running
    finally:
        for envoy in running:
            envoy.stop()


def bootstrap_of(server: ServerProcess, variant: Variant) -> dict[str, Any]:
    host, _, port = server.xds.rpartition(":")
    source = {"resource_api_version": "V3", "ads": {}}
    layer = {"name": "lab", "rtds_layer": {"name": "experiment", "rtds_config": source}}
    bootstrap = envoy_bootstrap(variant.value, "edge", Place(host, int(port)), variant)
    return {**bootstrap, "layered_runtime": {"layers": [layer]}}


def holds(envoy: Envoy) -> set[str]:
    """Names of clusters from the server, and values of the runtime."""
    configs = json.loads(envoy.ask("/config_dump?resource=dynamic_active_clusters") or b"{}").get("configs", ())
    entries = json.loads(envoy.ask("/runtime") or b"{}").get("entries", {})
    return {each["cluster"]["name"] for each in configs} | {each["final_value"] for each in entries.values()}


def heartbeats(server: ServerProcess) -> dict[str, float]:
    """By type."""
    _, text = server.ask("/metrics")
    return {name: float(value) for name, value in re.findall(r'heartbeats_total\{type="(\w+)"\} (\S+)', text)}


def test_envoy_keeps_what_it_hears_of_and_lets_go_of_the_rest(
    tmp_path: Path, server: ServerProcess, envoys: list[Envoy]
) -> None:
    documents = tmp_path / "lab"
    documents.mkdir()
    (documents / "fairlead.yaml").write_text(DOCUMENTS)
    done = server.run("apply", str(documents), "--yes")
    assert done.code == 0, done
    everything = {"borrowed", "lasting", "green"}
    for envoy in envoys:
        envoy.wait_until(lambda envoy=envoy: holds(envoy) == everything, "everything")  # type: ignore[misc]

    wanted = HEARTBEATS * len(envoys)
    wait_for(
        lambda: min(heartbeats(server).get(kind, 0) for kind in ("cluster", "runtime")) >= wanted, "heartbeats", 60
    )
    assert [holds(envoy) for envoy in envoys] == [everything] * len(envoys)
    assert [envoy.statistics(r"cds\.update_rejected$").popitem()[1] for envoy in envoys] == [0] * len(envoys)
    nodes = server.run("nodes", "-o", "json").json()["nodes"]
    assert {node["state"] for node in nodes} == {"current"}

    server.kill()
    for envoy in envoys:
        envoy.wait_until(lambda envoy=envoy: holds(envoy) == {"lasting"}, "what was borrowed to go")  # type: ignore[misc]


async def test_below_an_agent_it_runs_out_with_the_last_server_too(tmp_path: Path, server: ServerProcess) -> None:
    """The agent serves on what it has, and renews nothing by itself."""
    documents = tmp_path / "lab"
    documents.mkdir()
    (documents / "fairlead.yaml").write_text(DOCUMENTS)
    done = server.run("apply", str(documents), "--yes")
    assert done.code == 0, done
    with an_agent(server.xds) as agent:
        await asyncio.to_thread(agent.start)
        await asyncio.to_thread(agent.ready)
        await _has(agent, {"borrowed", "lasting"})
        await asyncio.to_thread(
            wait_for, lambda: heartbeats(server).get("cluster", 0) >= HEARTBEATS, "heartbeats", NOT_SOON_S
        )
        await _has(agent, {"borrowed", "lasting"})
        server.kill()
        await _has(agent, {"lasting"})
        assert agent.is_ready


async def _has(agent: AgentProcess, names: set[str]) -> None:
    admin, until_s = Admin(agent.state / "envoy" / "admin.sock"), asyncio.get_running_loop().time() + NOT_SOON_S
    while True:
        dump = json.loads(await admin.get("/config_dump?resource=dynamic_active_clusters"))
        if {each["cluster"]["name"] for each in dump.get("configs", ())} == names:
            return
        assert asyncio.get_running_loop().time() < until_s, f"waited in vain for {names}"
        await asyncio.sleep(0.05)
