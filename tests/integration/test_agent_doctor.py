"""`fairlead agent doctor` against real servers, by plaintext and mutual TLS, and beside an agent that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from agents.node.generations.floor import Floor
from snapshots.store.etcd.ports import free_port
from tests.agents import an_agent
from tests.certificates import write_certificates
from tests.commands import Documents, offline, told
from tests.spine import Done, ServerProcess, wait_for

GROUP = "edge"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With one revision of the group."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), "--memory").start()
    directory = tmp_path_factory.mktemp("documents")
    documents = Documents(directory, GROUP).named("shop").cluster()
    told(process.run("apply", str(documents)), 0)
    yield process
    assert process.stop() == 0


def doctor(directory: Path, servers: str, *arguments: str) -> Done:
    """Of a machine without an Envoy and an agent, on ports that are free."""
    named = ("--node=edge-1", f"--group={GROUP}", f"--servers={servers}", f"--state-dir={directory / 'state'}")
    return offline("agent", "doctor", "-o", "json", "--envoy=none", "--http-address=127.0.0.1:0", *named, *arguments)


def checks(done: Done) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in done.json()["checks"]}


def test_a_server_that_knows_the_node_is_told_with_its_revision(server: ServerProcess, tmp_path: Path) -> None:
    found = checks(told(doctor(tmp_path, server.xds), 0))
    assert "serves revision 1" in found[f"upstream {server.xds}"]["found"]
    assert {each["verdict"] for each in found.values()} <= {"good", "doubtful"}


def test_a_server_that_is_behind_what_was_taken_is_told(server: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    Floor(tmp_path / "state" / "floor.json").raise_to(GROUP, 7)
    found = checks(told(doctor(tmp_path, server.xds), 4))[f"upstream {server.xds}"]
    assert "fairlead agent reset" in found["remedy"]


def test_one_server_that_does_not_answer_is_in_doubt_and_all_are_bad(server: ServerProcess, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    one_of_two = checks(told(doctor(tmp_path, f"{nobody},{server.xds}"), 0))
    assert one_of_two[f"upstream {nobody}"]["verdict"] == "doubtful"
    assert checks(told(doctor(tmp_path, nobody), 4))[f"upstream {nobody}"]["found"] == "connection: connection refused"


def test_what_is_wrong_with_tls_or_that_there_is_no_such_group_is_told(tmp_path: Path) -> None:
    listens, shows = write_certificates(tmp_path)
    mine = [flag.replace("--", "--upstream-", 1) for flag in shows]
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    secured = ServerProcess(tmp_path / "server", "--memory", *listens, command="serve").start()
    try:
        name = f"upstream {secured.xds}"
        well = checks(told(doctor(tmp_path, secured.xds, *mine), 0))
        assert "its certificate is valid until" in well[name]["found"]
        assert (well[name]["verdict"], f"{GROUP!r}" in well[name]["remedy"]) == ("doubtful", True)
        assert well["certificate"]["verdict"] == "good"
        for flags, words in (
            ([f"--upstream-ca={tmp_path / 'other.pem'}", *mine[1:]], "TLS: "),
            ([*mine, "--upstream-name=fairlead.example.net"], "TLS: "),
            (mine[:1], ""),  # which stage hears that a certificate is wanted depends on the version of TLS
            ([], ""),
        ):
            found = checks(told(doctor(tmp_path, secured.xds, *flags), 4))[name]
            assert (found["verdict"], words in found["found"]) == ("bad", True), found
    finally:
        assert secured.stop() == 0


def test_an_envoy_that_is_minded_and_does_not_answer_is_told(server: ServerProcess, tmp_path: Path) -> None:
    admin = f"--envoy-admin=127.0.0.1:{free_port()}"
    found = checks(told(doctor(tmp_path, server.xds, "--envoy=mind", admin), 4))
    assert found["envoy"]["verdict"] == "bad"


def test_settings_and_keys_that_are_wrong_end_it_with_3(server: ServerProcess, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"too short")
    key.chmod(0o400)
    found = checks(told(doctor(tmp_path, server.xds, "--secrets=seal", f"--secrets-key={key}"), 3))
    assert found["secrets key"]["verdict"] == "bad"
    assert "secrets_key go together" in told(doctor(tmp_path, server.xds, "--secrets=seal"), 3).err


def test_a_running_agent_is_asked_and_its_stream_left_alone(server: ServerProcess) -> None:
    with an_agent(server.xds, envoy="none") as agent:
        agent.start()
        wait_for(lambda: "clock_ahead_s" in agent.status()["upstream"], "the server's word of its clock")
        found = checks(told(doctor(agent.directory, server.xds), 0))
        assert "/status" in found["agent"]["found"]
        assert "clock" in found
        assert "revision" not in found[f"upstream {server.xds}"]["found"]
        assert "http port" not in found


def test_settings_that_are_not_those_of_the_agent_that_runs_are_told(server: ServerProcess) -> None:
    with an_agent(server.xds, envoy="none", node="edge-9") as agent:
        agent.start()
        found = checks(told(doctor(agent.directory, server.xds), 0))["agent"]
        assert (found["verdict"], "it is node edge-9" in found["found"]) == ("doubtful", True)
        inspected = told(offline("agent", "inspect", "-o", "json", f"--state-dir={agent.state}"), 0).json()
        assert (inspected["node"], inspected["group"], inspected["agent"]["node"]) == ("edge-9", GROUP, "edge-9")
