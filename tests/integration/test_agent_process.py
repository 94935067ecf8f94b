"""An agent as a process: its lock, its files, its pages, its signals, and the command that becomes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.node.measures import INSTRUMENTS
from snapshots.store.etcd.ports import free_port
from tests.agents import AGENT, AgentProcess, an_agent
from tests.spine import FAIRLEAD, ROOT, wait_for


@pytest.fixture
def agent() -> Iterator[AgentProcess]:
    """It has no Envoy, and its server is not there."""
    with an_agent(f"127.0.0.1:{free_port()}", envoy="none") as agent:
        yield agent


def test_an_agent_says_where_it_is_and_takes_that_back_when_it_ends(agent: AgentProcess) -> None:
    agent.start()
    kept = json.loads((agent.state / "agent.json").read_text())
    assert kept == agent.addresses
    assert kept["pid"] == agent.pid
    assert agent.xds == f"unix:{agent.state}/xds.sock"
    assert (agent.state / "xds.sock").is_socket()
    assert agent.state.stat().st_mode & 0o777 == 0o700
    assert agent.stop() == 0
    left = {path.name for path in agent.state.iterdir()}
    assert left.isdisjoint({"agent.json", "xds.sock"})


def test_a_second_agent_may_not_use_the_state_of_one_that_runs(agent: AgentProcess) -> None:
    agent.start()
    command = (*AGENT, "run", f"--state-dir={agent.state}", "--envoy=none", "--http-address=127.0.0.1:0")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert f"another agent uses {agent.state}" in done.stderr
    assert "Traceback" not in done.stderr
    assert agent.ask("/healthz") == (200, "ok\n")


def test_an_agent_that_was_killed_is_followed_by_another_in_its_place(agent: AgentProcess) -> None:
    agent.start()
    agent.kill()
    assert (agent.state / "xds.sock").is_socket()
    agent.start()
    assert agent.ask("/healthz")[0] == 200


def test_the_pages_tell_life_readiness_state_and_metrics(agent: AgentProcess) -> None:
    agent.start()
    code, body = agent.ask("/readyz")
    assert (code, json.loads(body)) == (503, {"ready": False, "reason": "no configuration is known yet"})
    status = agent.status()
    assert (status["node"], status["group"], status["ready"]) == ("edge-1", "edge", False)
    families = text_string_to_metric_families(agent.ask("/metrics")[1])
    declared = {row.name.replace(".", "_") for row in INSTRUMENTS if not row.name.startswith("fairlead.agent.envoy")}
    assert {family.name for family in families} == declared
    assert agent.ask("/nothing")[0] == 404
    assert agent.ask("/healthz?verbose=1")[0] == 200


def test_pages_are_for_reading(agent: AgentProcess) -> None:
    agent.start()
    url = f"http://{agent.addresses['http']}/healthz"
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(urllib.request.Request(url, data=b"x", method="POST"), timeout=60)
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=60) as answer:
        assert (answer.status, answer.headers["content-length"], answer.read()) == (200, "3", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_an_agent_that_is_told_to_end_or_to_leave_ends_well(agent: AgentProcess, number: signal.Signals) -> None:
    agent.start()
    assert agent.stop(number) == 0


def test_settings_are_read_again_and_mistakes_in_them_end_nothing(agent: AgentProcess) -> None:
    file = agent.directory / "agent.toml"
    file.write_text('[log]\nlevel = "info"\n')
    agent.start(config=file)
    file.write_text('[log]\nlevel = "loud"\n')
    agent.told(signal.SIGHUP)
    wait_for(lambda: "nothing was changed" in agent.log.read_text(), "word of the mistake")
    assert agent.ask("/healthz")[0] == 200


def test_the_command_of_operators_becomes_the_agent_and_nothing_more(agent: AgentProcess) -> None:
    ready = agent.directory / "ready.json"
    flags = (f"--state-dir={agent.state}", "--envoy=none", "--http-address=127.0.0.1:0", f"--ready-file={ready}")
    process = subprocess.Popen((*FAIRLEAD, "agent", *flags), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: ready.exists() or process.poll() is not None, "the agent")
        assert json.loads(ready.read_text())["pid"] == process.pid
        assert b"agents.node.command" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(60)


def test_settings_that_cannot_be_end_it_with_words_and_their_code(agent: AgentProcess) -> None:
    command = (*AGENT, "run", f"--state-dir={agent.state}", "--bake-s=soon", "--generations=0")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "--bake-s must be a number of seconds" in done.stderr
    assert not agent.state.exists()
