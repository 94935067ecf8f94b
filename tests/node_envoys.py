"""A gateway's Envoy for tests of the node agent: kept by a supervisor in this process, served at a Unix socket.

Everything it needs is in one short directory, for a Unix socket's path has little room.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.node.envoy.adoption import running
from agents.node.envoy.bootstrap_file import Bootstrap
from agents.node.envoy.facts import EnvoyFacts, Exit
from agents.node.envoy.keeping import Hooks
from agents.node.envoy.life import Limits
from agents.node.envoy.processes import see
from agents.node.envoy.record import Record
from agents.node.envoy.supervisor import Supervised, Supervisor
from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.hosting.envoy_program import find_envoy
from snapshots.store.etcd.ports import free_port
from tests.whole_servers import until
from xds.bootstrap import UnixPlace
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, LISTENER, TypeUrl
from xds.server.taste.served import Serving

TYPE = "type.googleapis.com/"
QUICK = Limits(drain_delay_s=0.1, drain_s=2, parent_shutdown_s=3, end_s=10, takeover_s=30)


@dataclass
class Heard:
    """What the rest of the agent was told, in order."""

    ready: list[EnvoyFacts] = field(default_factory=list)
    unready: list[EnvoyFacts] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)

    def hooks(self) -> Hooks:
        async def on_ready(facts: EnvoyFacts) -> None:
            self.ready.append(facts)

        async def on_unready(facts: EnvoyFacts) -> None:
            self.unready.append(facts)

        async def on_exit(exit: Exit) -> None:
            self.exits.append(exit)

        async def fall_back(generation: str, why: str) -> None:
            self.fallbacks.append(generation)

        return Hooks(on_ready, on_unready, on_exit, fall_back)


@dataclass
class Gateway:
    """One state directory, what its Envoy is served, and who keeps the Envoy."""

    directory: Path
    port: int
    heard: Heard = field(default_factory=Heard)
    kept: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def envoy_directory(self) -> Path:
        return self.directory / "envoy"

    def bootstrap(self, **others: Any) -> Bootstrap:
        admin = self.envoy_directory / "admin.sock"
        return Bootstrap("edge-1", "edge", UnixPlace(str(self.directory / "xds.sock")), admin, **others)

    def supervisor(self, *, limits: Limits = QUICK, **others: Any) -> Supervisor:
        """Another agent for the same state directory."""
        bootstrap = others.pop("bootstrap", None) or self.bootstrap()
        what = Supervised(bootstrap, self.envoy_directory, arguments=("--concurrency", "1"), limits=limits, **others)
        return Supervisor(what, self.heard.hooks())

    def runs(self, supervisor: Supervisor) -> asyncio.Task[None]:
        task = asyncio.create_task(supervisor.run())
        self.kept.append(task)
        return task

    async def ready(self, supervisor: Supervisor, task: asyncio.Task[None]) -> None:
        await until(lambda: supervisor.facts.ready or task.done(), "Envoy to be ready")
        assert not task.done(), task.result()

    async def started(self, **others: Any) -> tuple[Supervisor, asyncio.Task[None]]:
        """A supervisor whose Envoy is ready."""
        supervisor = self.supervisor(**others)
        task = self.runs(supervisor)
        await self.ready(supervisor, task)
        return supervisor, task


@asynccontextmanager
async def a_gateway(upstream_port: int = 1) -> AsyncIterator[Gateway]:
    """It says hello, but for what is asked below /far, which goes to `upstream_port`. Its Envoy ends with the block."""
    directory, port = Path(tempfile.mkdtemp(prefix="gw")), free_port()
    serving = Serving(load_default(), [hello(port), far(upstream_port)], directory / "xds.sock")
    await serving.start()
    gateway = Gateway(directory, port)
    try:
        yield gateway
    finally:
        for task in gateway.kept:
            task.cancel()
        await asyncio.gather(*gateway.kept, return_exceptions=True)
        await _ended(gateway)
        await serving.stop()
        shutil.rmtree(directory)


def has_ended(pid: int | None) -> bool:
    assert pid is not None
    return see(pid) is None


async def let_go(task: asyncio.Task[None]) -> None:
    """As far as Envoy can tell, this is the agent's sudden end: nothing is asked of it, and nothing written."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def a_script(directory: Path, *lines: str) -> Path:
    """A program that does `lines` and then becomes Envoy; asked its version, it is Envoy at once."""
    envoy = find_envoy().path
    script = directory / "envoy.sh"
    first = f'case "$1" in --*version) exec {envoy} "$@";; esac'
    script.write_text("\n".join(("#!/bin/sh", first, *lines, f'exec {envoy} "$@"')) + "\n")
    script.chmod(0o700)
    return script


async def _ended(gateway: Gateway) -> None:
    bootstrap = gateway.envoy_directory / "bootstrap.json"
    if running(bootstrap, Record(), bootstrap.with_name("base_id")):
        last = gateway.supervisor()
        last.hurry()
        await last.run()


def hello(port: int) -> Resource:
    """A listener that answers by itself, but for what is below /far."""
    routes = [
        {"match": {"prefix": "/far"}, "route": {"cluster": "far", "timeout": "0s"}},
        {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "hello"}}},
    ]
    manager = {
        "@type": f"{TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "hello",
        "drain_timeout": "0.1s",
        "delayed_close_timeout": "0.1s",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{TYPE}envoy.extensions.filters.http.router.v3.Router"}}
        ],
    }
    filters = [{"name": "http", "typed_config": manager}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return _resource(LISTENER, {"name": "hello", "address": address, "filter_chains": [{"filters": filters}]})


def far(port: int) -> Resource:
    """A cluster with one endpoint."""
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    assignment = {"cluster_name": "far", "endpoints": [{"lb_endpoints": [endpoint]}]}
    return _resource(CLUSTER, {"name": "far", "type": "STATIC", "load_assignment": assignment})


def _resource(type_url: TypeUrl, document: dict[str, Any]) -> Resource:
    parsed = from_json(load_default(), {"@type": type_url, **document})
    assert parsed.problems == ()
    return Resource.of(type_url, document["name"], serialize(load_default(), parsed.message))
