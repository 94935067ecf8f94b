"""SIGKILL of agent, Envoy, server and etcd, each alone and in all pairs, under live traffic, on one site.

What holds each time: the gateway that was not touched fails no request; the other one serves again before servers and
etcd are back; nothing that was served is served again after something newer; and with all put back a change reaches
both Envoys, and whoever published it is told so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations

import pytest

from tests.agent_sites import Gateway, Publisher, Watched, a_gateway, asking, goes_on
from tests.etcds import Member, newest_etcd
from tests.etcds import running as running_etcd
from tests.spine import ServerProcess, wait_for

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]

PARTS = ("agent", "envoy", "server", "etcd")
KILLS = [*combinations(PARTS, 1), *combinations(PARTS, 2)]


@dataclass(frozen=True)
class Site:
    """`hit` is the gateway whose parts are killed; `spared` the one beside it."""

    etcd: Member
    server: ServerProcess
    publisher: Publisher
    hit: Gateway
    spared: Gateway

    def kill(self, part: str) -> None:
        match part:
            case "agent":
                self.hit.agent.kill()
            case "envoy":
                self.hit.kill_envoy()
            case "server":
                self.server.kill()
            case "etcd":
                self.etcd.kill()

    def put_back(self, part: str) -> None:
        """An Envoy comes back by its agent."""
        match part:
            case "agent":
                self.hit.agent.start()
            case "server":
                self.server.start()
            case "etcd":
                self.etcd.start()
                self.etcd.wait_listening()

    @property
    def gateways(self) -> tuple[Gateway, Gateway]:
        return self.hit, self.spared

    def is_known_to_the_server(self) -> bool:
        """Both nodes, with the newest revision."""
        told = self.server.run("nodes", "-o", "json")
        nodes = told.json()["nodes"] if told.code == 0 else []
        return [(node["state"], node["revision"]) for node in nodes] == 2 * [("current", self.publisher.revision)]

    def is_settled(self) -> bool:
        """Both have the newest change, and it is kept."""
        return all(gateway.has_good(self.publisher.revision) for gateway in self.gateways)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        etcd = stack.enter_context(running_etcd(newest_etcd(), directory))
        server = ServerProcess(directory / "server", f"--etcd={etcd.endpoint}", command="serve").start()
        stack.callback(server.stop)
        publisher = Publisher(server, directory / "documents", stack)
        publisher.publish()
        hit, spared = (stack.enter_context(a_gateway(server.xds, node=node)) for node in ("edge-1", "edge-2"))
        for gateway in (hit, spared):
            gateway.agent.start()
        site = Site(etcd, server, publisher, hit, spared)
        wait_for(site.is_settled, "a good generation at both")
        yield site


@pytest.mark.parametrize("killed", KILLS, ids="+".join)
def test_what_is_killed_costs_its_own_gateway_a_moment_and_nobody_else_anything(
    site: Site, killed: tuple[str, ...]
) -> None:
    before = site.publisher.answer
    with asking(site.hit) as hit, asking(site.spared) as spared:
        for part in killed:
            site.kill(part)
        goes_on(spared)
        if "agent" in killed:
            site.put_back("agent")
        serves_again(site, hit)
        for part in ("etcd", "server"):
            if part in killed:
                site.put_back(part)
        wait_for(site.is_known_to_the_server, "both nodes at the server")
        assert "2/2 ACK" in site.publisher.publish("--wait").out
        after = site.publisher.answer
        wait_for(lambda: (hit.last, spared.last) == (after, after), "the change at both")
        wait_for(site.is_settled, "it to be good at both")
        assert hit.order == spared.order == [before, after]
        assert spared.failures == []
        if "envoy" not in killed:
            assert hit.failures == []


def serves_again(site: Site, hit: Watched) -> None:
    """What it served, whoever is away."""
    wait_for(lambda: site.hit.agent.is_ready, "its Envoy to be ready")
    goes_on(hit)
    wait_for(lambda: site.hit.told("served")["revision"] == site.publisher.revision, "Envoy to be told what it has")
