"""Many hostnames with a real Envoy: what it answers, and that nobody notices how their routes are spread.

Traffic runs all the time, on connections that are kept: for a host with a route of its own, for the same in capitals,
for one that only a wildcard takes, and for one that nothing but the route without hostnames takes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.management.client import ManagementClient
from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from snapshots.authoring.gateway.slices import slice_of
from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.echoes import Echo, ask
from tests.gateways import a_backend, a_gateway, a_route, to_backend
from tests.spine import ServerProcess, listens, wait_for
from tests.whole_servers import a_workspace
from xds.protocol.variant import Variant

pytestmark = pytest.mark.envoy
Object = dict[str, Any]
SOME, MANY = 100, 800
ASKED = ("host-1.example.com", "HOST-2.Example.com:8080", "any.wild.example.com", "else.where")


def names(count: int) -> list[str]:
    return [f"host-{number}.example.com" for number in range(count)]


@dataclass
class Site:
    """A gateway, its server and its Envoy. `publish` is all that there is from then on."""

    server: ServerProcess
    envoy: Envoy
    client: ManagementClient
    runner: asyncio.Runner
    backends: Sequence[Object]
    ports: tuple[int, int]
    traffic: Sequence[Traffic] = ()
    published: dict[tuple[str, str], Object] = field(default_factory=dict)

    def publish(self, hosts: int, *also: Object, ports: int = 1) -> None:
        """So many hosts that lead to blue, and what is given beside them; waits until Envoy has taken it. Without
        a change there is nothing to do."""
        listeners = [{"name": f"l{port}", "port": port, "protocol": "HTTP"} for port in self.ports[:ports]]
        address = {"type": "IPAddress", "value": "127.0.0.1"}
        objects = [
            a_gateway("edge", *listeners, addresses=[address]),
            *self.backends,
            a_route("rest", to_backend("blue")),
            a_route("wild", to_backend("blue"), hostnames=["*.wild.example.com"]),
            *(a_route(host, to_backend("blue"), hostnames=[host]) for host in names(hosts)),
        ]
        whole = {(each["kind"], each["metadata"]["name"]): each for each in (*objects, *also)}
        if whole == self.published:
            return
        self.published = whole
        files = [Document(f"{number}.yaml", json.dumps(each).encode()) for number, each in enumerate(whole.values())]
        revision = self.runner.run(self.client.publish([a_workspace(), *files], beyond_budgets=True)).revision.number
        wait_for(lambda: self._is_current(revision), "Envoy to have taken it")

    def _is_current(self, revision: int) -> bool:
        nodes = self.runner.run(self.client.list_nodes("edge"))
        return [each.revision for each in nodes] == [revision]

    def answers(self, port: int) -> bool:
        """Whether a host of many is answered on a port: of several listeners with many, later ones open before that."""
        return ask(port, host="host-1.example.com").status == 200

    def is_answered_by_green(self, host: str) -> bool:
        return ask(self.ports[0], host=host).echo.get("name") == "green"

    def has_slices(self) -> bool:
        """Whether Envoy has the routes of many hosts."""
        wanted = {f"tcp/127.0.0.1:{self.ports[0]}/hosts/{slice_of(host)}" for host in names(MANY)}
        sections = self.envoy.config_dump().get("configs", ())
        routes = (row for section in sections for row in section.get("dynamic_route_configs", ()))
        return wanted <= {row["route_config"]["name"] for row in routes}

    def goes_on(self, *more: Traffic) -> None:
        """Wait for more answers to everybody."""
        seen = {each: each.total for each in (*self.traffic, *more)}
        wait_for(lambda: all(each.total > before + 20 for each, before in seen.items()), "traffic to go on")

    def pushed(self, kind: str) -> float:
        """Resources of a type in all responses so far."""
        rows = self.server.ask("/metrics")[1].splitlines()
        counts = (row for row in rows if row.startswith("fairlead_xds_pushed_resources_total{"))
        return sum(float(row.rsplit(" ", 1)[1]) for row in counts if f'"{kind}"' in row)


@pytest.fixture(scope="module", params=list(Variant), ids=lambda variant: variant.name.lower())
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("slices")
    with ExitStack() as stack:
        blue = stack.enter_context(Upstream("blue"))
        green = stack.enter_context(Echo("green"))
        places = {"blue": blue.port, "green": green.port}
        backends = [
            a_backend(name, endpoints=[{"address": "127.0.0.1", "port": port}]) for name, port in places.items()
        ]
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        runner = stack.enter_context(asyncio.Runner())
        client = ManagementClient(server.management, 60)
        stack.callback(lambda: runner.run(client.close()))
        envoy = Envoy.start(directory / "envoy", server.xds, "edge-1", "edge", request.param)
        stack.callback(envoy.stop)
        site = Site(server, envoy, client, runner, backends, (free_port(), free_port()))
        site.publish(MANY)
        wait_for(lambda: listens(site.ports[0]), "the listener")
        site.traffic = [stack.enter_context(Traffic(site.ports[0], host=host)) for host in ASKED]
        yield site


@pytest.fixture
def site(everything: Site) -> Iterator[Site]:
    """As the last test left it; in the end no request has failed."""
    yield everything
    seen = [each.total for each in everything.traffic]
    wait_for(
        lambda: all(each.total > before + 20 for each, before in zip(everything.traffic, seen, strict=True)), "more"
    )
    for each in everything.traffic:
        assert each.failures == []
        assert each.answers.keys() == {"blue"}
    rejected = everything.envoy.statistics("update_rejected$")
    assert set(rejected.values()) == {0}


def test_a_change_of_one_host_sends_one_slice(site: Site) -> None:
    site.publish(MANY)
    wait_for(site.has_slices, "all that many hosts need")
    before = site.pushed("route"), site.pushed("scoped-route"), site.pushed("listener")
    site.publish(MANY, a_route("host-7.example.com", to_backend("green"), hostnames=["host-7.example.com"]))
    wait_for(lambda: site.is_answered_by_green("host-7.example.com"), "the change")
    assert (site.pushed("route"), site.pushed("scoped-route"), site.pushed("listener")) == (before[0] + 1, *before[1:])


def test_a_backend_hears_nothing_of_it(site: Site) -> None:
    site.publish(MANY, a_route("host-7.example.com", to_backend("green"), hostnames=["host-7.example.com"]))
    wait_for(lambda: site.is_answered_by_green("host-7.example.com"), "the change")
    for host in ("host-7.example.com", "HOST-7.example.com:123"):
        found = ask(site.ports[0], host=host, x_fairlead_scope="tcp/0.0.0.0_80/another.example.com")
        assert found.echo["headers"]["host"] == host
        assert not [name for name in found.echo["headers"] if "fairlead" in name]


def test_a_host_leaves_its_wildcard_and_comes_back(site: Site) -> None:
    with Traffic(site.ports[0], host="own.wild.example.com") as traffic:
        site.publish(MANY)
        site.goes_on(traffic)
        site.publish(MANY, a_route("own", to_backend("green"), hostnames=["own.wild.example.com"]))
        wait_for(lambda: traffic.last.startswith("{"), "answers of green")
        site.publish(MANY)
        wait_for(lambda: traffic.last == "blue", "answers of the wildcard's backend")
    assert traffic.failures == []


def test_fewer_hosts_and_many_again(site: Site) -> None:
    for count in (SOME, MANY):
        site.publish(count)
        site.goes_on()


def test_a_second_port_comes_and_goes(site: Site) -> None:
    site.publish(MANY, ports=2)
    wait_for(lambda: listens(site.ports[1]) and site.answers(site.ports[1]), "the second listener")
    with Traffic(site.ports[1], host="host-1.example.com") as traffic:
        wait_for(lambda: traffic.answers["blue"] > 20, "answers there")
        site.publish(SOME, ports=2)
        site.publish(MANY, ports=2)
        site.goes_on(traffic)
    assert traffic.failures == []
    site.publish(MANY)
    wait_for(lambda: not listens(site.ports[1]), "the second listener to go")
