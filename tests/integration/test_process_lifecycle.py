"""One server process as an operator meets it: ready, asked, reloaded, told to end, and unable to start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.etcds import Member, newest_etcd
from tests.spine import FAIRLEAD, ROOT, ServerProcess, wait_for

ANYWHERE = ("--xds-address=127.0.0.1:0", "--management-address=127.0.0.1:0", "--http-address=127.0.0.1:0")
WORKSPACE = "apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {name: shop}\nspec: {group: edge}\n"
CLUSTER = (
    "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {name: web}\nspec:\n"
    '  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: web\n  connect_timeout: TIMEOUT\n'
)


@pytest.fixture(params=["--memory", "embedded etcd"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    options = ("--memory",) if request.param == "--memory" else ()
    server = ServerProcess(tmp_path, *options, command="serve").start()
    yield server
    server.stop()


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, "--memory", command="serve").start()
    yield server
    server.stop()


def children_of(pid: int) -> list[int]:
    children = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                children.append(int(entry.name))
    return children


def logged(server: ServerProcess) -> list[dict[str, object]]:
    lines = server.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def failing(*arguments: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    command = (*FAIRLEAD, "serve", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=ROOT, check=False)


def test_a_ready_server_says_where_it_is_and_ends_cleanly(server: ServerProcess, tmp_path: Path) -> None:
    ready = json.loads((tmp_path / "ready.json").read_text())
    children = children_of(server.pid)

    assert ready == {
        "xds": server.xds,
        "management": server.management,
        "http": server.http,
        "pid": server.pid,
    }
    assert server.ask("/healthz") == (200, "ok\n")
    assert server.ask("/readyz") == (200, '{"ready":true}')
    assert "fairlead_ready 1.0" in server.ask("/metrics")[1]
    assert server.run("status", "-o", "json").json()["server"]["ready"] is True

    assert server.stop() == 0
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "its children to end")
    assert not (tmp_path / "ready.json").exists()


def test_open_streams_of_commands_do_not_hold_up_the_end(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--memory", "--drain-s=300", command="serve").start()
    command = (*FAIRLEAD, "events", "-f", "--server", server.management)
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    try:
        wait_for(lambda: is_connected(server.management), "the command to connect")
        assert server.stop() == 0
    finally:
        watching.kill()
        watching.communicate()


def is_connected(address: str) -> bool:
    """Whether a server has accepted a connection on this port, whichever kind of socket it listens with."""
    port = f":{int(address.rpartition(':')[2]):04X}"
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return any(row[1].endswith(port) and row[3] == "01" for row in rows)


@pytest.mark.parametrize("taken", ["xds", "management", "http"])
def test_an_address_that_is_taken_is_named(taken: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"

        ended = failing("--memory", *ANYWHERE, f"--{taken}-address={address}")

    assert ended.returncode == 3
    assert f"cannot listen on {address}: address already in use" in ended.stderr.lower()
    assert "Traceback" not in ended.stderr


def test_plaintext_off_loopback_is_refused() -> None:
    ended = failing("--memory", *ANYWHERE, "--xds-address=0.0.0.0:0")

    assert ended.returncode == 3
    assert "plaintext" in ended.stderr
    assert "insecure_off_loopback" in ended.stderr


@pytest.mark.etcd
def test_a_data_directory_in_use_is_refused_with_its_holder(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, command="serve").start()
    try:
        ended = failing(*ANYWHERE, f"--data-dir={tmp_path / 'data'}")
    finally:
        server.stop()

    assert ended.returncode == 4
    assert str(server.pid) in ended.stderr


@pytest.mark.etcd
def test_an_etcd_that_is_down_at_the_start_only_keeps_it_from_being_ready_until_it_is_back(tmp_path: Path) -> None:
    etcd = Member(newest_etcd(), tmp_path / "etcd")
    server = ServerProcess(tmp_path, f"--etcd={etcd.endpoint}", command="serve")
    addresses = (f"--xds-address={server.xds}", f"--management-address={server.management}")
    command = (*FAIRLEAD, "serve", f"--etcd={etcd.endpoint}", *addresses, f"--http-address={server.http}")
    with server.log.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        wait_for(lambda: server.ask("/readyz")[0] == 503, "the server to listen")
        wait_for(lambda: str(etcd.client_port) in server.ask("/readyz")[1], "the reason")
        status = server.run("status", "-o", "json").json()
        etcd.start()
        wait_for(lambda: server.ask("/readyz")[0] == 200, "the server to be ready")
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        etcd.kill()

    assert status["server"]["ready"] is False
    assert str(etcd.client_port) in status["server"]["not_ready_reason"]
    assert code == 0


def test_sighup_takes_the_level_over_and_an_invalid_file_changes_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "server.toml"
    settings.write_text('[log]\nlevel = "info"\n')
    server = ServerProcess(tmp_path, "--memory", f"--config={settings}", command="serve").start()
    try:
        settings.write_text('[log]\nlevle = "error"\n')
        os.kill(server.pid, signal.SIGHUP)
        wait_for(lambda: any("settings refused" in str(line["event"]) for line in logged(server)), "the refusal")
        settings.write_text('[log]\nlevel = "debug"\n')
        os.kill(server.pid, signal.SIGHUP)
        wait_for(lambda: any(line["event"] == "settings read again" for line in logged(server)), "the new level")
    finally:
        server.stop()

    assert any(line.get("log_level") == "debug" for line in logged(server))
    refused = next(line for line in logged(server) if "settings refused" in str(line["event"]))
    assert "log.level" in str(refused["findings"])


def test_a_directory_is_followed_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "fairlead.yaml").write_text(WORKSPACE)
    (documents / "web.yaml").write_text(CLUSTER.replace("TIMEOUT", "1s"))
    server = ServerProcess(tmp_path, "--memory", str(documents), command="dev").start()

    try:
        wait_for(lambda: "revision 1 of edge stored" in server.log.read_text(), "the first revision")
        (documents / "web.yaml").write_text(CLUSTER.replace("TIMEOUT", "-1s"))
        wait_for(lambda: "web.yaml:7" in server.log.read_text(), "the finding")
        (documents / "web.yaml").write_text("{")
        wait_for(lambda: "E0101" in server.log.read_text(), "the other finding")
        assert server.ask("/readyz")[0] == 200
        (documents / "web.yaml").write_text(CLUSTER.replace("TIMEOUT", "2s"))
        wait_for(lambda: "revision 2 of edge stored" in server.log.read_text(), "the second revision")
    finally:
        assert server.stop() == 0


def test_a_directory_that_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    command = (*FAIRLEAD, "dev", str(tmp_path / "nowhere"), "--memory", *ANYWHERE)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, check=False)

    assert ended.returncode == 3
    assert "nowhere" in ended.stderr
