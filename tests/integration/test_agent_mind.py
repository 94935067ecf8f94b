"""An agent beside an Envoy that systemd runs, called as deploy/envoy.service calls it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.hosting.envoy_program import find_envoy
from tests.agents import AgentProcess, an_agent
from tests.commands import Documents, told
from tests.spine import ROOT, ServerProcess, wait_for

UNIT = ROOT / "deploy" / "envoy.service"


@contextmanager
def an_envoy_of_systemd(agent: AgentProcess) -> Iterator[subprocess.Popen[bytes]]:
    """Started with the bootstrap that the agent wrote; ended by its process id."""
    called = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.M)
    assert called
    _, *arguments = shlex.split(called[1].replace("/var/lib/fairlead-agent", str(agent.state)))
    command = (find_envoy().path, *arguments, "--concurrency", "1", "--log-level", "error")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


@pytest.mark.envoy
def test_an_envoy_of_systemd_is_served_and_watched_and_left_alone(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server", "--memory").start()
    try:
        (tmp_path / "shop").mkdir()
        told(server.run("apply", str(Documents(tmp_path / "shop", "edge").named("shop").cluster())), 0)
        with an_agent(server.xds, envoy="mind") as agent:
            agent.start(envoy_admin=f"unix:{agent.directory / 'admin.sock'}")
            with an_envoy_of_systemd(agent):
                agent.ready()
                wait_for(lambda: agent.status()["served"]["acknowledged"], "the ACK")
            wait_for(lambda: not agent.is_ready, "its absence to be noticed")
            with an_envoy_of_systemd(agent) as envoy:
                agent.ready()
                assert agent.stop() == 0
                assert envoy.poll() is None
    finally:
        assert server.stop() == 0
