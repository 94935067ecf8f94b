"""Live changes under traffic, by every way in which an Envoy can be connected: no request fails, whatever changes.

One server, one Envoy and its traffic for all changes of one way; a test is one change, and begins with the whole site.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from api.management.client import ManagementClient
from api.management.v1 import management_pb2 as pb
from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from snapshots.store.etcd.ports import free_port
from tests.live_site import GROUP, WAYS, LiveSite, Resources, Way, documents
from tests.spine import ServerProcess, listens, wait_for
from xds.protocol.variant import Variant

pytestmark = [pytest.mark.envoy, pytest.mark.etcd]
NODE = "edge-1"
SWITCHES = 50


class Certificates:
    """Of one authority, which `tls` trusts."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.tls = ssl.create_default_context()
        self._authority.configure_trust(self.tls)

    def issue(self) -> dict[str, Any]:
        """A new certificate, as Envoy's TlsCertificate."""
        issued = self._authority.issue_cert("127.0.0.1")
        parts = {"certificate_chain": issued.cert_chain_pems[0], "private_key": issued.private_key_pem}
        return {name: {"inline_string": pem.bytes().decode()} for name, pem in parts.items()}


@dataclass(frozen=True)
class Live:
    """A site that is served and asked all the time."""

    server: ServerProcess
    envoy: Envoy
    site: LiveSite
    certificates: Certificates
    blue: Upstream
    green: Upstream
    traffic: Traffic
    secure: Traffic
    client: ManagementClient
    runner: asyncio.Runner

    def publish(self, *changes: Resources, without: str = "") -> int:
        """The whole site with blue in front, changed; waits for nothing. `without` leaves documents out."""
        whole = self.site.resources(self.blue)
        for change in changes:
            whole |= change
        kept = {name: body for name, body in whole.items() if not (without and re.search(without, name))}
        return self.publish_only(kept)

    def publish_only(self, resources: Resources) -> int:
        return int(self.runner.run(self.client.publish(documents(resources), beyond_budgets=True)).revision.number)

    def is_current(self, revision: int) -> bool:
        """Whether Envoy has acknowledged everything of a revision."""
        nodes = self.runner.run(self.client.list_nodes(GROUP))
        return [(node.id, node.state, node.revision) for node in nodes] == [(NODE, pb.Node.CURRENT, revision)]

    def streams(self) -> float:
        """Open xDS streams, by the server's metrics."""
        _, text = self.server.ask("/metrics")
        rows = [row for row in text.splitlines() if row.startswith("fairlead_xds_streams")]
        return float(rows[0].rsplit(" ", 1)[1]) if rows else 0

    def answers(self, upstream: Upstream) -> None:
        """Wait until requests are answered by this upstream, by both listeners."""
        for traffic in (self.traffic, self.secure):
            wait_for(lambda traffic=traffic: traffic.last == upstream.name, f"answers of {upstream.name}")  # type: ignore[misc]

    def ask(self, port: int, path: str = "/", **headers: str) -> tuple[int, str, str]:
        """One request on a connection of its own: status, body, and the header that the filter writes."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.getheader("mark", "")
        except OSError as error:
            return 0, repr(error), ""
        finally:
            connection.close()

    def certificate_shown(self) -> str:
        """What a new connection to `secure` is shown."""
        try:
            return ssl.get_server_certificate(("127.0.0.1", self.site.secure), timeout=30)
        except OSError:
            return ""

    def rejections(self) -> list[str]:
        """What Envoy says of what it refuses now, by the server's account."""
        node = self.runner.run(self.client.get_node(NODE))
        return [each.rejection.message for each in node.types if each.HasField("rejection")]

    def clusters(self) -> dict[str, dict[str, Any]]:
        """The clusters that Envoy has from the server, those included that it is still warming."""
        return {
            entry["cluster"]["name"]: entry["cluster"]
            for section in self.envoy.config_dump().get("configs", ())
            for kind in ("dynamic_active_clusters", "dynamic_warming_clusters")
            for entry in section.get(kind, ())
        }


@pytest.fixture(scope="module", params=WAYS, ids=str)
def everything(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory, certificates = tmp_path_factory.mktemp("live"), Certificates()
    site = LiveSite(request.param, certificates.issue())
    with ExitStack() as stack:
        blue, green = (stack.enter_context(Upstream(name)) for name in ("blue", "green"))
        server = ServerProcess(directory / "server", "--drain-s=1").start()
        stack.callback(server.stop)
        runner = stack.enter_context(asyncio.Runner())
        client = ManagementClient(server.management)
        stack.callback(lambda: runner.run(client.close()))
        runner.run(client.publish(documents(site.resources(blue))))
        envoy = _an_envoy(directory / "envoy", server, site)
        stack.callback(envoy.stop)
        parts = (server, envoy, site, certificates, blue, green)
        traffic, secure = Traffic(site.plain), Traffic(site.secure, certificates.tls)
        live = Live(*parts, traffic, secure, client, runner)
        for port in (site.plain, site.secure, site.scoped):
            envoy.wait_until(lambda port=port: listens(port), f"a listener on {port}")  # type: ignore[misc]
        stack.enter_context(traffic)
        stack.enter_context(secure)
        yield live


def _an_envoy(directory: Path, server: ServerProcess, site: LiveSite) -> Envoy:
    flags = ("--node", NODE, "--group", GROUP, *site.way.flags, "-o", "json")
    printed = server.run("bootstrap", "envoy", *flags)
    assert printed.code == 0, printed
    return Envoy.run(directory, NODE, site.bootstrap(printed.json()))


@pytest.fixture
def live(everything: Live) -> Iterator[Live]:
    """The whole site, as it was in the beginning; in the end no request has failed."""
    everything.publish()
    everything.answers(everything.blue)
    yield everything
    seen = everything.traffic.total, everything.secure.total
    wait_for(lambda: everything.traffic.total > seen[0] + 20 < everything.secure.total, "more traffic")
    assert everything.traffic.failures == []
    assert everything.secure.failures == []


def test_clusters_and_routes_are_switched_back_and_forth(live: Live) -> None:
    answered = live.traffic.answers["green"], live.secure.answers["green"]
    for number in range(SWITCHES):
        upstream, other = ((live.green, live.blue), (live.blue, live.green))[number % 2]
        live.publish(live.site.cluster(upstream), live.site.routes("web", upstream.name), without=f"^{other.name}")
        live.answers(upstream)
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue"}, "the last cluster alone")
    assert live.traffic.answers["green"] - answered[0] >= SWITCHES // 2
    assert live.secure.answers["green"] - answered[1] >= SWITCHES // 2


def test_endpoints_change_and_the_cluster_stays(live: Live) -> None:
    live.publish(live.site.endpoints("blue", live.green))
    live.answers(live.green)
    live.publish(live.site.endpoints("blue", live.green, live.blue))
    live.answers(live.blue)
    assert live.clusters().keys() == {"blue"}


def test_a_cluster_is_updated_and_warm_again_with_the_endpoints_it_has(live: Live) -> None:
    """Rule 25: Envoy waits for endpoints after every update of a cluster, changed or not."""
    for timeout in ("2s", "3s"):
        revision = live.publish(live.site.cluster(live.blue, connect_timeout=timeout))
        live.envoy.wait_until(
            lambda timeout=timeout: live.clusters()["blue"]["connect_timeout"] == timeout, f"{timeout} in config_dump"
        )  # type: ignore[misc]
        wait_for(lambda revision=revision: live.is_current(revision), "the ACKs")  # type: ignore[misc]
    live.publish(live.site.cluster(live.blue, "3s"), live.site.endpoints("blue", live.green))
    live.answers(live.green)


def test_a_cluster_is_added_routed_to_and_removed_again(live: Live) -> None:
    live.publish(live.site.cluster(live.green))
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue", "green"}, "both clusters")
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"))
    live.answers(live.green)
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"), without="^blue")
    live.envoy.wait_until(lambda: live.clusters().keys() == {"green"}, "green alone")


def test_a_listener_with_routes_of_its_own_is_added_and_removed(live: Live) -> None:
    more = live.site.another_listener("more") | live.site.routes("more", to="green") | live.site.cluster(live.green)
    live.publish(more)
    wait_for(lambda: listens(live.site.extra), "the new listener")
    with Traffic(live.site.extra) as traffic:
        wait_for(lambda: traffic.answers["green"] > 20, "answers on the new port")
    assert traffic.failures == []
    live.publish()
    wait_for(lambda: not listens(live.site.extra), "the listener to go")
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue"}, "what it used to go with it")


def test_a_route_is_added_before_the_others(live: Live) -> None:
    health = {"match": {"path": "/health"}, "direct_response": {"status": 200, "body": {"inline_string": "fine"}}}
    live.publish(live.site.routes("web", "blue", health))
    wait_for(lambda: live.ask(live.site.plain, "/health")[1] == "fine", "the new route")
    assert live.ask(live.site.plain, "/")[1] == "blue"


def test_a_certificate_is_rotated(live: Live) -> None:
    before = live.certificate_shown()
    live.publish(live.site.secret(live.certificates.issue()))
    wait_for(lambda: live.certificate_shown() not in ("", before), "new connections to be shown the new certificate")


def test_the_configuration_of_a_filter_is_changed(live: Live) -> None:
    assert live.ask(live.site.plain)[2] == "first"
    live.publish(live.site.mark("second"))
    wait_for(lambda: live.ask(live.site.plain)[2] == "second", "the header as the filter writes it now")


def test_a_runtime_layer_sends_all_to_the_canary_and_back(live: Live) -> None:
    canary = live.site.cluster(live.green) | live.site.routes("web", to="blue", canary="green")
    live.publish(canary)
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue", "green"}, "both clusters")
    live.publish(canary, live.site.runtime(canary_percent=100))
    live.answers(live.green)
    live.publish(canary)
    live.answers(live.blue)


def test_a_scope_of_routes_is_added_and_removed(live: Live) -> None:
    assert live.ask(live.site.scoped, region="eu")[1] == "blue"
    assert live.ask(live.site.scoped, region="us")[0] == 404
    live.publish(live.site.scope("us", "west"), live.site.routes("west", to="green"), live.site.cluster(live.green))
    wait_for(lambda: live.ask(live.site.scoped, region="us")[1] == "green", "the new scope")
    assert live.ask(live.site.scoped, region="eu")[1] == "blue"
    live.publish()
    wait_for(lambda: live.ask(live.site.scoped, region="us")[0] == 404, "the scope to go")


def test_what_envoy_rejects_changes_nothing_until_it_is_repaired(live: Live) -> None:
    bad = {"match": {"safe_regex": {"regex": "(unclosed"}}, "route": {"cluster": "green"}}
    good = {"match": {"prefix": "/green"}, "route": {"cluster": "green"}}
    live.publish(live.site.routes("web", "green", bad), live.site.cluster(live.green), without="^blue")
    wait_for(lambda: live.rejections() != [], "the rejection")
    assert "missing ): (unclosed" in live.rejections()[0]
    assert (live.ask(live.site.plain)[1], "blue" in live.clusters()) == ("blue", True)

    revision = live.publish(live.site.routes("web", "blue", good), live.site.cluster(live.green))
    wait_for(lambda: live.is_current(revision), "the repair to be acknowledged")
    assert live.ask(live.site.plain, "/green")[1] == "green"


def test_a_new_cluster_that_envoy_rejects_gets_no_requests(live: Live) -> None:
    broken = live.site.cluster(live.green)
    broken["green"]["lb_policy"] = "CLUSTER_PROVIDED"  # no check of ours forbids it, and EDS provides none
    live.publish(broken, live.site.routes("web", to="green"))
    wait_for(lambda: live.rejections() != [], "the rejection")
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"), without="^blue")
    live.answers(live.green)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_server_ends_and_comes_back_in_the_middle_of_a_change(live: Live, end: str) -> None:
    revision = live.publish(live.site.cluster(live.green))
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue", "green"}, "both clusters")
    streams = live.streams()
    getattr(live.server, end)()
    live.server.start()
    # Envoy opens each stream again in its own time, and of what it has not opened yet the server knows nothing.
    wait_for(lambda: live.streams() == streams and live.is_current(revision), "Envoy to be back", timeout_s=60)
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"), without="^blue")
    live.answers(live.green)
    live.envoy.wait_until(lambda: live.clusters().keys() == {"green"}, "green alone")


def test_what_was_published_while_envoy_was_away_reaches_it_in_order(live: Live) -> None:
    """Envoy brings the cluster that its routes still use, and that is gone (rules 20 and 24)."""
    if live.site.way != Way(Variant.DELTA):
        pytest.skip("only then a server that comes back is told in one go what Envoy has")
    address = live.server.xds
    _restart(live.server, f"127.0.0.1:{free_port()}")  # where Envoy does not look for it
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"), without="^blue")
    _restart(live.server, address)
    live.answers(live.green)
    live.envoy.wait_until(lambda: live.clusters().keys() == {"green"}, "green alone")


def _restart(server: ServerProcess, xds_address: str) -> None:
    server.stop()
    server.xds = xds_address
    server.start()


def test_a_revision_is_rolled_back(live: Live) -> None:
    before = live.publish(live.site.mark("before"))
    live.publish(live.site.cluster(live.green), live.site.routes("web", to="green"), without="^blue")
    live.answers(live.green)
    live.runner.run(live.client.rollback(GROUP, before))
    live.answers(live.blue)
    live.envoy.wait_until(lambda: live.clusters().keys() == {"blue"}, "blue alone")
