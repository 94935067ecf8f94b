"""An agent whose state directory is full, read-only or damaged, under live traffic: it starts, serves, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.agent_sites import Gateway, Publisher, a_gateway, asking, goes_on
from tests.agents import AGENT
from tests.commands import offline
from tests.mounted import SmallDisk, a_small_disk
from tests.relays import NOBODY
from tests.spine import ServerProcess, wait_for

pytestmark = pytest.mark.envoy


@dataclass(frozen=True)
class Site:
    server: ServerProcess
    publisher: Publisher

    def node(self) -> str:
        """What operators are told."""
        return self.server.run("node", "edge-1").out


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        publisher = Publisher(server, directory / "documents", stack)
        publisher.publish()
        yield Site(server, publisher)


def problem(gateway: Gateway) -> str:
    return str(gateway.told("generations").get("problem"))


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_disk_that_takes_nothing_keeps_nothing_from_being_served(site: Site, trouble: str) -> None:
    with a_gateway(site.server.xds, report_interval_s=1) as gateway, a_small_disk(gateway.agent.state) as disk:
        agent = gateway.agent
        agent.program = disk.program(*AGENT)
        # A socket is made anew at each start, so it cannot be on a disk that is read-only.
        sockets = {"local_address": f"unix:{agent.directory}/x", "envoy_admin": f"unix:{agent.directory}/a"}
        agent.start(**sockets)
        kept, answer = site.publisher.revision, site.publisher.answer
        wait_for(lambda: gateway.has_good(kept), "a good generation")
        with asking(gateway) as traffic:
            SPOIL[trouble](disk)
            site.publisher.publish("--wait")
            wait_for(lambda: WORDS[trouble] in problem(gateway), "the trouble to be noticed")
            wait_for(lambda: WORDS[trouble] in site.node(), "operators to be told")

            (envoy,) = agent.envoys
            agent.kill()
            agent.start()
            wait_for(lambda: gateway.told("served").get("acknowledged") is True, "the next agent")
            assert agent.envoys == [envoy]
            assert traffic.failures == []
            assert traffic.order == [answer, site.publisher.answer]

        agent.kill()
        gateway.kill_envoy()
        if trouble == "read-only":
            agent.launch(servers=NOBODY, **dict.fromkeys(sockets, ""))
            wait_for(lambda: agent.ended, "the agent without a place for its sockets to end")
            assert agent.stop() == 3
            assert f"{agent.state} is no directory that can be written" in agent.log.read_text()
        agent.start(servers=NOBODY, **sockets)
        with asking(gateway) as traffic:
            assert traffic.last == answer
            assert gateway.told("served")["source"] == "disk"
            assert agent.stop() == 0
        MEND[trouble](disk)
        agent.start(servers=site.server.xds)
        wait_for(lambda: gateway.has_good(site.publisher.revision), "what was not kept")
        assert problem(gateway) == ""


WORDS = {"full": "No space left on device", "read-only": "Read-only file system"}


SPOIL = {"full": SmallDisk.fill, "read-only": SmallDisk.freeze}
MEND = {"full": SmallDisk.make_room, "read-only": SmallDisk.thaw}


def flipped(data: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


DAMAGES = (flipped, cut_short)
FILES = (
    "floor.json", "agent.json", "lock", "audit.jsonl",
    "envoy/bootstrap.json", "envoy/process.json", "envoy/base_id", "envoy/envoy.log",
)  # fmt: skip


def test_damage_of_every_file_at_once_costs_the_newest_generation_and_nothing_else(site: Site) -> None:
    """Envoy goes on with what it has; one that has to start gets the generation before."""
    with a_gateway(site.server.xds) as gateway:
        agent = gateway.agent
        agent.start()
        for damage in DAMAGES:
            older = site.publisher.answer
            wait_for(lambda: gateway.has_good(site.publisher.revision), "a good generation")
            site.publisher.publish()
            wait_for(lambda: gateway.has_good(site.publisher.revision), "a second one")
            with asking(gateway) as traffic:
                (agent.state / "audit.jsonl").write_text('{"order": "drain"}\n')
                agent.kill()
                newest = spoil_all(agent.state, damage)
                agent.start(servers=NOBODY)
                agent.ready()
                goes_on(traffic)
                assert traffic.failures == []
                assert traffic.order == [site.publisher.answer]
                gateway.kill_envoy()
                wait_for(lambda: traffic.last == older, "the generation before")  # noqa: B023
            assert gateway.told("served")["source"] == "disk"
            said = agent.log.read_text()
            assert f"{newest.name} is not used" in said
            assert "floor.json is not used" in said
            inspected = offline("agent", "inspect", "--node=edge-1", "--group=edge", f"--state-dir={agent.state}")
            assert f"generation {int(newest.stem)}  damaged" in inspected.out
            agent.kill()
            gateway.kill_envoy()
            agent.start(servers=site.server.xds)


def spoil_all(state: Path, damage: Callable[[bytes], bytes]) -> Path:
    """Every file that an agent left behind, and of the generations the newest good one, which is returned."""
    newest = max(state.glob("generations/*.good"))
    for file in (newest, *(state / name for name in FILES)):
        assert file.exists(), file
        file.write_bytes(damage(file.read_bytes() or b"?"))
    return newest
