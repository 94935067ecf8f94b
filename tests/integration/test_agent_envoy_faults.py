"""An Envoy that refuses, hangs, or dies of what it took, under live traffic: what is served, kept, and told of it.

One gateway, one test after the other; each begins with a change that is good.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from agents.node.envoy.admin import Admin, AdminError
from tests.agent_sites import Gateway, Publisher, a_gateway, asking
from tests.spine import ServerProcess, wait_for
from tests.whole_servers import a_cluster_document

pytestmark = pytest.mark.envoy

# No check of ours forbids it, and Envoy knows no such policy for a cluster of this type.
REFUSED = a_cluster_document("refused").content.decode() + "  lb_policy: CLUSTER_PROVIDED\n"
WORDS = 'Envoy: "Error adding/updating cluster(s) refused: '
POISON = a_cluster_document("poison").content.decode()


@dataclass(frozen=True)
class Site:
    server: ServerProcess
    publisher: Publisher
    gateway: Gateway

    def node(self) -> str:
        """What operators are told."""
        return self.server.run("node", "edge-1").out

    def why(self, cluster: str) -> str:
        done = self.server.run("why", f"cluster/{cluster}")
        return done.out if done.code == 0 else ""

    def restarts_agent(self, **settings: object) -> None:
        """Its Envoy goes on."""
        assert self.gateway.agent.stop(signal.SIGUSR1) == 0
        self.gateway.agent.start(**settings)
        self.gateway.agent.ready()

    def is_good(self) -> bool:
        return self.gateway.has_good(self.publisher.revision)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        publisher = Publisher(server, directory / "documents", stack)
        publisher.publish()
        gateway = stack.enter_context(a_gateway(server.xds, hang_s=3, report_interval_s=1))
        gateway.agent.start()
        yield Site(server, publisher, gateway)


class Poison:
    """Kills the Envoys of a gateway, again and again, where they have the cluster `poison`; with `slow` not before
    they have acknowledged it and all the rest."""

    def __init__(self, gateway: Gateway, *, slow: bool) -> None:
        self._gateway = gateway
        self._slow = slow
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            if _has_poison(self._gateway) and not (self._slow and self._is_unanswered):
                self._gateway.kill_envoy(signal.SIGSEGV)

    @property
    def _is_unanswered(self) -> bool:
        return not self._gateway.told("served").get("acknowledged")


def _has_poison(gateway: Gateway) -> bool:
    try:
        page = asyncio.run(Admin(gateway.agent.state / "envoy" / "admin.sock").get("/clusters"))
    except AdminError:
        return False
    return b"poison::" in page


def test_what_envoy_refuses_is_told_in_its_words_and_never_good(site: Site) -> None:
    site.publisher.publish("--wait")
    good = site.publisher.revision
    wait_for(site.is_good, "the first change to be good")
    with asking(site.gateway) as traffic:
        done = site.publisher.publish("--wait", code=6, refused=REFUSED)
        assert WORDS in done.err
        assert WORDS in site.why("refused")
        assert site.gateway.told("generations")["good_revision"] == good
        assert site.gateway.agent.is_ready
        site.publisher.publish("--wait")
        wait_for(site.is_good, "the next change to be good")
        assert not site.why("refused"), "it is gone"
    assert traffic.failures == []


def test_an_envoy_that_hangs_is_replaced_and_gets_what_came_meanwhile(site: Site) -> None:
    site.publisher.publish("--wait")
    with asking(site.gateway) as traffic:
        (hanging,) = site.gateway.agent.envoys
        os.kill(hanging, signal.SIGSTOP)
        site.publisher.publish()
        wait_for(lambda: traffic.last == site.publisher.answer, "the change through another Envoy")
        wait_for(site.is_good, "it to be good")
    assert site.gateway.agent.envoys != [hanging]
    wait_for(lambda: "for it had not answered" in site.node(), "the hang to be told")


@pytest.mark.parametrize("when", ["at once", "before it is good", "after it was good"])
def test_what_envoy_dies_of_is_gone_back_from_until_something_newer_comes(site: Site, when: str) -> None:
    site.publisher.publish("--wait")
    wait_for(site.is_good, "what is gone back to")
    good, answer = site.publisher.revision, site.publisher.answer
    if when == "before it is good":
        site.restarts_agent(bake_s=300)
    with asking(site.gateway) as traffic, ExitStack() as dying:
        if when == "at once":
            dying.enter_context(Poison(site.gateway, slow=False))
            site.publisher.publish(poison=POISON)
        else:
            site.publisher.publish("--wait", poison=POISON)
            wait_for(lambda: site.is_good() or when == "before it is good", "the poison to be taken for good")
            dying.enter_context(Poison(site.gateway, slow=True))
        wait_for(lambda: "why" in site.gateway.told("served"), "the agent to go back")
        wait_for(lambda: traffic.last == answer, "the last good content")
        wait_for(lambda: "fell back to generation" in site.node(), "operators to be told")
        wait_for(lambda: "fell back to generation" in site.why("poison"), "those who ask why to be told")
        assert site.gateway.told("generations")["good_revision"] == good

        site.publisher.publish("--wait")
        wait_for(lambda: traffic.last == site.publisher.answer, "what is newer")
        assert "why" not in site.gateway.told("served")
    if when == "before it is good":
        site.restarts_agent(bake_s=0.2)
    wait_for(site.is_good, "what is newer to be good")
    wait_for(lambda: "fell back" not in site.node(), "operators to be told of that")
