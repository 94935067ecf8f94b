"""What one changed route of 10,000 hosts sends to a gateway and costs its Envoy, in each form that Envoy can take.

`whole`: one route configuration with all virtual hosts. `vhds`: its virtual hosts are resources of their own, and all
are sent ahead. `slices`: what Fairlead makes of them. A server in this process is handed the resources, and an Envoy of
one worker follows it: documents and store are not measured here. Routes redirect, so nothing is behind Envoy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from api.envoy.registry import load_default
from bench.asking import Client
from bench.report import Report, cpu_s, memory_mib, percentile
from examples.demo.envoy import Envoy
from snapshots.authoring.gateway import slices
from snapshots.authoring.gateway.envoy import ADS, Messages
from snapshots.authoring.gateway.http_serving import http_connection_manager
from snapshots.authoring.gateway.routing import (
    Form,
    Routing,
    ServedHost,
    other_fields,
    route_configuration,
    whole,
)
from snapshots.store.etcd.ports import free_port
from xds.fleet import Fleet
from xds.protocol.plan import Response
from xds.protocol.resource import Resource
from xds.protocol.types import VIRTUAL_HOST, GroupName
from xds.transport.observer import SilentObserver, StreamInfo
from xds.transport.server import XdsServer

HOSTS = 10_000
ROUNDS = 20
# After this nothing of a change is left to be done.
PAUSE_S = 0.4
PATIENCE_S = 120.0
GROUP = GroupName("default")
MESSAGES = Messages(load_default())

# Host -> where its route redirects to, if it was changed.
Marks = Mapping[int, str]
Change = tuple[Resource | None, Resource | None]
# What a connection manager says, and what it asks for.
Laid = tuple[Routing, tuple[Resource, ...]]


def in_one(name: str, marks: Marks) -> Laid:
    return whole(name), (route_configuration(name, _hosts(marks), other_fields(MESSAGES)),)


def by_vhds(name: str, marks: Marks) -> Laid:
    """Envoy takes for its own the virtual hosts whose names begin with that of the route configuration."""
    source = route_configuration(name, (), other_fields(MESSAGES, vhds={"config_source": ADS}))
    hosts = (Resource.of(VIRTUAL_HOST, f"{name}/{each.name}", each.part.body) for each in _hosts(marks, f"{name}/"))
    return whole(name), (source, *hosts)


def in_slices(name: str, marks: Marks) -> Laid:
    hosts, spread = _hosts(marks), dict[int, list[ServedHost]]()
    for each in hosts:
        spread.setdefault(slices.slice_of(each.name), []).append(each)
    found = (slices.hosts_slice(MESSAGES, name, number, each) for number, each in spread.items())
    scopes = (slices.scope_of(name, each.name) for each in hosts)
    rest = slices.other_hosts(MESSAGES, name, ())
    return slices.routing(MESSAGES, name, Form.SLICES), (*scopes, *found, *rest)


FORMS: Mapping[str, Callable[[str, Marks], Laid]] = {"whole": in_one, "vhds": by_vhds, "slices": in_slices}


def host_name(number: int) -> str:
    return f"host-{number:05}.shop.example.com"


def _hosts(marks: Marks, prefix: str = "") -> list[ServedHost]:
    return [_host(number, marks.get(number, "first"), prefix) for number in range(HOSTS)]


def _host(number: int, mark: str, prefix: str) -> ServedHost:
    name, redirect = host_name(number), {"host_redirect": f"{mark}.example"}
    route = {"name": f"HTTPRoute/shop/route-{number:05}/0", "match": {"prefix": "/"}, "redirect": redirect}
    fields = {"name": f"{prefix}{name}", "domains": [name], "routes": [route]}
    return ServedHost(name, MESSAGES.part("envoy.config.route.v3.VirtualHost", fields))


class Counting(SilentObserver):
    """Bytes of all responses."""

    sent_bytes = 0

    def written(self, stream: StreamInfo, response: Response, size_bytes: int, encoded: bool) -> None:
        self.sent_bytes += size_bytes


@dataclass(slots=True)
class Site:
    """What is served in one form, and how to change it."""

    form: Callable[[str, Marks], Laid]
    server: XdsServer
    counting: Counting
    port: int = field(default_factory=free_port)
    marks: dict[int, str] = field(default_factory=dict)
    served: dict[tuple[str, str], Resource] = field(default_factory=dict)
    revision: int = 0

    def changes(self, marks: Marks) -> list[Change]:
        """What these marks change; not published yet."""
        self.marks |= marks
        before, self.served = self.served, {(each.type_url, each.name): each for each in self._resources()}
        return [(before.get(key), each) for key, each in self.served.items() if before.get(key) != each]

    def publish(self, changes: list[Change]) -> None:
        self.revision += 1
        self.server.groups.advance(GROUP, self.revision, changes)

    def _resources(self) -> tuple[Resource, ...]:
        name = f"tcp/127.0.0.1:{self.port}"
        routing, resources = self.form(name, self.marks)
        address = {"socket_address": {"address": "127.0.0.1", "port_value": self.port}}
        chains = [{"filters": [http_connection_manager(MESSAGES, name, routing)]}]
        fields = {"name": name, "address": address, "filter_chains": chains}
        return (MESSAGES.resource("envoy.config.listener.v3.Listener", fields), *resources)


async def run(report: Report) -> None:
    for name in FORMS:
        with TemporaryDirectory(prefix="fairlead-bench-") as scratch:
            async with _a_site(FORMS[name]) as site:
                await _measure(report, name, site, Path(scratch))


@asynccontextmanager
async def _a_site(form: Callable[[str, Marks], Laid]) -> AsyncIterator[Site]:
    counting = Counting()
    server = XdsServer(load_default(), Fleet(), observer=counting)
    await server.start()
    try:
        site = Site(form, server, counting)
        site.publish(site.changes({}))
        yield site
    finally:
        await server.drain(0)


async def _measure(report: Report, name: str, site: Site, scratch: Path) -> None:
    client, began_s = Client(site.port), time.monotonic()
    envoy = await asyncio.to_thread(Envoy.start, scratch, site.server.address)
    try:
        for number in (0, HOSTS - 1):
            await _until(client, number, "first")
        report.figure(f"{name}.connect", time.monotonic() - began_s, "s from the start of Envoy to its answers")
        report.figure(f"{name}.connect.sent", site.counting.sent_bytes / 1e6, "MB sent")
        await asyncio.sleep(PAUSE_S)
        report.figure(f"{name}.connect.cpu", cpu_s(envoy.pid), "s of Envoy's CPU")
        await _answered(report, name, site, client)
        await _taken(report, name, site, envoy)
    finally:
        client.close()
        await asyncio.to_thread(envoy.stop)


async def _answered(report: Report, name: str, site: Site, client: Client) -> None:
    """From a change to an answer that shows it."""
    delays_s = []
    for number in range(ROUNDS):
        changes = site.changes({number: f"answered-{number}"})
        await asyncio.sleep(PAUSE_S)
        began_s = time.monotonic()
        site.publish(changes)
        await _until(client, number, f"answered-{number}")
        delays_s.append(time.monotonic() - began_s)
    report.figure(f"{name}.p50", percentile(delays_s, 50) * 1000, "ms from the change to an answer that shows it")
    report.figure(f"{name}.slowest", max(delays_s) * 1000, f"ms, of {ROUNDS}")


async def _taken(report: Report, name: str, site: Site, envoy: Envoy) -> None:
    """What a change costs, while nobody asks for anything."""
    sent_bytes, used_s = 0, 0.0
    for number in range(ROUNDS):
        changes = site.changes({number: f"taken-{number}"})
        await asyncio.sleep(PAUSE_S)
        before_bytes, before_s = site.counting.sent_bytes, cpu_s(envoy.pid)
        site.publish(changes)
        await asyncio.sleep(PAUSE_S)
        sent_bytes += site.counting.sent_bytes - before_bytes
        used_s += cpu_s(envoy.pid) - before_s
    report.figure(f"{name}.sent", sent_bytes / ROUNDS, "bytes to each gateway for a change")
    report.figure(f"{name}.cpu", used_s / ROUNDS * 1000, "ms of Envoy's CPU for a change")
    report.figure(f"{name}.memory", memory_mib(envoy.pid), "MiB of Envoy after the changes")


async def _until(client: Client, number: int, mark: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await client.until(host_name(number), "/", lambda _, head: f"//{mark}.example/" in head)
