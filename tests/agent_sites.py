"""Gateways with an agent each under live traffic, for tests of faults, and the order in which answers came.

Gateways of one group cannot share an address of one machine: the listener of each is its bootstrap's, and what is done
with requests comes from Fairlead.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.demo.gateway import a_listener
from examples.demo.traffic import Traffic, Upstream
from snapshots.store.etcd.ports import free_port
from tests.agents import AgentProcess, an_agent
from tests.spine import Done, ServerProcess, Site, wait_for


class Watched(Traffic):
    """Keeps the order of the answers, the same ones in a row once. With `fresh` each request has its own connection."""

    def __init__(self, port: int, *, fresh: bool = False) -> None:
        super().__init__(port)
        self.order: list[str] = []
        self._fresh = fresh

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        super()._ask(connection)
        if self.last and self.order[-1:] != [self.last]:
            self.order.append(self.last)
        if self._fresh:
            connection.close()


@dataclass(frozen=True)
class Gateway:
    """An agent, its Envoy, and where that takes requests."""

    agent: AgentProcess
    port: int

    def kill_envoy(self, number: signal.Signals = signal.SIGKILL) -> None:
        """As the kernel does when memory is short."""
        for pid in self.agent.envoys:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def lays_over(self, **others: Any) -> None:
        """What its bootstrap has beside the agent's own."""
        overlay = {"static_resources": {"listeners": [a_listener(self.port)]}, **others}
        (self.agent.directory / "overlay.json").write_text(json.dumps(overlay))

    def told(self, part: str) -> dict[str, Any]:
        """A part of /status; empty while nobody answers."""
        return dict(self.agent.status().get(part) or {})

    def has_good(self, revision: int) -> bool:
        return bool(self.told("generations").get("good_revision") == revision)

    @property
    def is_connected(self) -> bool:
        return bool(self.told("upstream").get("connected"))


@contextmanager
def a_gateway(*servers: str, **settings: object) -> Iterator[Gateway]:
    """Not started."""
    port = free_port()
    with an_agent(*servers, **{"bake_s": 0.2, **settings}) as agent:
        agent.settings["bootstrap_overlay"] = agent.directory / "overlay.json"
        gateway = Gateway(agent, port)
        gateway.lays_over()
        yield gateway


@contextmanager
def asking(gateway: Gateway, *, fresh: bool = False) -> Iterator[Watched]:
    """Requests without a pause, from when the gateway has something to answer with."""
    wait_for(lambda: _answers(gateway.port), f"an answer at {gateway.port}")
    with Watched(gateway.port, fresh=fresh) as traffic:
        wait_for(lambda: bool(traffic.total), "traffic")
        yield traffic


def goes_on(traffic: Watched, count: int = 20) -> None:
    """Wait for some more good answers."""
    served = sum(traffic.answers.values())
    wait_for(lambda: sum(traffic.answers.values()) > served + count, "more answers")


class Publisher:
    """Publishes one change after the other: each sends all requests to another upstream, `v1`, `v2`, …"""

    def __init__(self, server: ServerProcess, directory: Path, stack: ExitStack) -> None:
        self.revision = 0
        self.directory = directory
        self._server = server
        self._stack = stack

    @property
    def answer(self) -> str:
        """What gateways answer that have the newest change."""
        return f"v{self.revision}"

    def publish(self, *arguments: str, code: int = 0, **beside: str) -> Done:
        """The next one, and documents beside it, by name. `code`: what the command is to end with."""
        upstream = self._stack.enter_context(Upstream(f"v{self.revision + 1}"))
        Site(self.directory, 0).points_at(upstream)
        (self.directory / "listener.yaml").unlink()
        for name, text in beside.items():
            (self.directory / f"{name}.yaml").write_text(text)
        done = self._server.run("apply", str(self.directory), "--yes", *arguments)
        assert done.code == code, done.out + done.err
        for name in beside:
            (self.directory / f"{name}.yaml").unlink()
        self.revision += 1
        return done


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
