"""What goes wrong around a server, as the operator sees it: etcd dead, silent, full, old or locked; ports and
directories that cannot be had; a command that is interrupted; a server that restarts under a command.

Every time an exit code, the words that say what to do, and no traceback. Real processes on free loopback ports.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from snapshots.store.etcd import rpc_pb2 as etcd
from tests.clients import DeltaClient
from tests.etcds import Member, newest_etcd, running
from tests.integration.test_etcd_access import require_users
from tests.spine import FAIRLEAD, ROOT, Done, ServerProcess, wait_for
from xds.protocol.types import CLUSTER as CLUSTER_TYPE

pytestmark = pytest.mark.etcd
WORKSPACE = "apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {name: shop}\nspec: {group: edge}\n"
CLUSTER = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: web}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: web
  connect_timeout: 1s
"""
ANYWHERE = tuple(f"--{name}-address=127.0.0.1:0" for name in ("xds", "management", "http"))
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# What a person is promised, with room for a machine that has other things to do.


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "fairlead.yaml").write_text(WORKSPACE)
    return changed(directory, "first")


def changed(site: Path, note: str) -> Path:
    """Content that was never there before."""
    (site / "web.yaml").write_text(f"{CLUSTER}  alt_stat_name: {note}\n")
    return site


@contextmanager
def serving(directory: Path, *options: str, command: str = "serve", ready: bool = True) -> Iterator[ServerProcess]:
    server = ServerProcess(directory, *options, command=command)
    try:
        yield server.start() if ready else server.launch()
    finally:
        server.stop()
        assert "Traceback" not in server.log.read_text()


def told(done: Done, code: int, *words: str) -> Done:
    assert done.code == code, done
    assert "Traceback" not in done.err
    assert [word for word in words if word not in done.out + done.err] == [], done
    return done


def failing(*arguments: str, prefix: tuple[str, ...] = (), addresses: tuple[str, ...] = ANYWHERE) -> Done:
    """A server that cannot start."""
    command = (*prefix, *FAIRLEAD, *arguments, *addresses)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, check=False)
    return Done(ended.returncode, ended.stdout, ended.stderr)


def shop_history(server: ServerProcess) -> list[int]:
    revisions = told(server.run("history", "-o", "json"), 0).json()["revisions"]
    return [one["number"] for one in revisions]


def test_a_dead_etcd_is_noticed_soon_said_once_and_forgotten_when_it_is_back(tmp_path: Path, site: Path) -> None:
    with running(newest_etcd(), tmp_path / "etcd") as member, serving(tmp_path, "--etcd", member.endpoint) as server:
        told(server.run("apply", str(site)), 0, "revision 1 stored")
        wait_for(lambda: "edge   1" in server.run("status").out, "the server to serve it")
        member.kill()
        wait_for(lambda: server.ask("/readyz")[0] == 503, "readiness to say so")
        refused = told(server.run("apply", str(changed(site, "second"))), 4, "is it running", "nothing was stored")
        assert refused.err.count("not reachable (Connection refused)") == 1
        status = told(server.run("status"), 0, "NOT READY: the store does not answer", "UNREACHABLE", "edge   1")
        assert status.out.count("not reachable (Connection refused)") == 1
        doctor = told(server.run("doctor"), 4, "gateways keep what they have")
        assert doctor.out.count("not reachable (Connection refused)") == 1

        member.start()
        wait_for(lambda: server.ask("/readyz")[0] == 200, "the server to heal")
        told(server.run("apply", str(site)), 0, "revision 2 stored")
        assert shop_history(server) == [2, 1]


def test_a_silent_etcd_is_told_and_what_it_did_not_answer_can_be_done_again(tmp_path: Path, site: Path) -> None:
    with running(newest_etcd(), tmp_path / "etcd") as member, serving(tmp_path, "--etcd", member.endpoint) as server:
        told(server.run("apply", str(site)), 0)
        member.stop()
        wait_for(lambda: server.ask("/readyz")[0] == 503, "readiness to say so")
        told(server.run("apply", str(changed(site, "second")), "--timeout", "1s"), 124, "gave up after 1 s")
        told(server.run("status", "--timeout", "60s"), 0, "UNREACHABLE", "did not answer in time")
        member.go_on()
        wait_for(lambda: server.ask("/readyz")[0] == 200, "the server to heal")
        told(server.run("apply", str(site)), 0, "revision 2 stored")
        assert shop_history(server) == [2, 1]


def test_a_full_etcd_takes_nothing_and_everybody_says_how_to_make_room(tmp_path: Path, site: Path) -> None:
    quota = ("--quota-backend-bytes=2000000",)
    with (
        running(newest_etcd(), tmp_path / "etcd", options=quota) as member,
        serving(tmp_path, "--etcd", member.endpoint) as server,
    ):
        stored, refused = 0, Done(0, "", "")
        while not refused.code:
            refused = server.run("apply", str(changed(site, os.urandom(450_000).hex())))
            stored += not refused.code
            assert stored < 10, "the quota is never reached"
        told(refused, 4, "is full", "etcdctl defrag", "alarm disarm")
        assert shop_history(server) == list(range(stored, 0, -1))
        told(server.run("status"), 0, "alarm NOSPACE", "ready")
        told(server.run("doctor"), 4, "NOSPACE", "make room")


def test_an_etcd_that_is_too_old_is_refused_by_its_version(tmp_path: Path, site: Path) -> None:
    with an_etcd_of("3.3.27") as endpoint, serving(tmp_path, "--etcd", endpoint, ready=False) as server:
        wait_for(lambda: "3.3.27" in server.ask("/readyz")[1], "readiness to say so")
        assert server.ask("/readyz")[0] == 503
        told(server.run("apply", str(site)), 4, "3.3.27", "3.4 or newer", "nothing was stored")
        told(server.run("doctor"), 4, "is 3.3.27; 3.4 or newer is needed: upgrade it")


@contextmanager
def an_etcd_of(version: str) -> Iterator[str]:
    """Answers what an etcd of this version answers when it is asked for its version, and nothing else."""

    def status(request: bytes, context: grpc.ServicerContext) -> bytes:
        return etcd.StatusResponse(version=version).SerializeToString()

    service = {"Status": grpc.unary_unary_rpc_method_handler(status)}
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("etcdserverpb.Maintenance", service),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(0)


def test_a_server_without_the_right_etcd_user_ends_with_7_and_says_what_to_give(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong")
    user = ("--etcd-username=root", f"--etcd-password-file={password}")
    with running(newest_etcd(), tmp_path / "etcd", options=("--bcrypt-cost=4",)) as member:
        asyncio.run(require_users(member))
        told(failing("serve", "--etcd", member.endpoint, *user), 7, "refuses the user name or password")
        told(failing("serve", "--etcd", member.endpoint), 7, "asks for a user")
        password.write_text("root-secret\n")
        with serving(tmp_path / "let-in", "--etcd", member.endpoint, *user) as server:
            assert server.ask("/readyz")[0] == 200


def test_an_etcd_that_is_down_at_the_start_is_waited_for(tmp_path: Path) -> None:
    member = Member(newest_etcd(), tmp_path / "etcd")
    try:
        with serving(tmp_path, "--etcd", member.endpoint, ready=False) as server:
            wait_for(lambda: "not reachable (Connection refused)" in server.ask("/readyz")[1], "the reason")
            assert server.ask("/healthz")[0] == 200
            member.start()
            wait_for(lambda: server.ask("/readyz")[0] == 200, "the server to be ready")
    finally:
        member.kill()


@pytest.mark.parametrize("name", ["xds", "management", "http"])
def test_a_port_in_use_is_told_with_its_setting_and_nothing_else(name: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        command = (*FAIRLEAD, "dev", "--memory", *ANYWHERE, f"--{name}-address={address}")
        ended = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"error: cannot listen on {address}: address already in use. "
        f"Stop what listens there or choose another address (--{name}-address)\n"
    )


def test_a_data_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    for place in (file, file / "below"):
        told(failing("dev", f"--data-dir={place}"), 4, f"the data directory {place} cannot be used", "--data-dir")
    assert file.read_text() == "kept"


def test_a_data_directory_that_is_read_only_is_told() -> None:
    if os.geteuid() != 0 or failing("version", prefix=NOBODY, addresses=()).code:
        pytest.skip("it takes root to become somebody who may not write, and an installation that nobody may read")
    told(failing("dev", "--data-dir=/usr/fairlead", prefix=NOBODY), 4, "Permission denied", "Make it writable")


def test_a_second_server_on_one_data_directory_is_refused_with_the_holders_pid(tmp_path: Path) -> None:
    with serving(tmp_path, command="dev") as server:
        told(failing("dev", f"--data-dir={tmp_path / 'data'}"), 4, f"in use by process {server.pid}", "--data-dir")
        told(server.run("status"), 0, "ready")


def test_a_followed_directory_that_is_emptied_leaves_what_is_served(tmp_path: Path) -> None:
    everything = tmp_path / "site" / "fairlead.yaml"  # one file, so that there is no moment between
    everything.parent.mkdir()
    everything.write_text(f"{WORKSPACE}---\n{CLUSTER}")
    with serving(tmp_path, str(everything.parent), "--memory", command="dev") as server:
        wait_for(lambda: "revision 1 of edge stored" in server.log.read_text(), "the first revision")
        everything.unlink()
        wait_for(lambda: "there are no documents here" in server.log.read_text(), "the server to say so")
        everything.write_text(f"{WORKSPACE}---\n{CLUSTER}  alt_stat_name: second\n")
        wait_for(lambda: "revision 2 of edge stored (+0 ~1 -0)" in server.log.read_text(), "the second revision")
        told(server.run("history", "--group", "default"), 3, "no group")


def test_ctrl_c_ends_a_server_that_waits_for_its_etcd(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--etcd", "http://127.0.0.1:1", command="serve").launch()
    wait_for(lambda: server.ask("/healthz")[0] == 200, "the server")
    os.kill(server.pid, signal.SIGINT)
    assert server.stop() == 130
    assert "Traceback" not in server.log.read_text()


def test_ctrl_c_ends_what_watches(tmp_path: Path) -> None:
    with serving(tmp_path, "--memory") as server:
        for arguments in (("nodes", "--watch"), ("status", "--watch"), ("events", "-f")):
            command = (*FAIRLEAD, *arguments, "--server", server.management)
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
            assert process.stdout is not None
            assert process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=90)
            assert process.returncode == 130, arguments
            assert "Traceback" not in out


async def test_ctrl_c_while_a_rollback_is_followed_says_that_it_goes_on(tmp_path: Path, site: Path) -> None:
    with serving(tmp_path, "--memory") as server:
        for note in ("first", "second"):
            told(server.run("apply", str(changed(site, note))), 0)
        async with DeltaClient(server.xds, "edge-1", "edge") as gateway:
            await gateway.subscribe(CLUSTER_TYPE)
            await gateway.next()
            process = following(server, "rollback", "1", "--wait")
            await asyncio.to_thread(reads, process, "waiting for revision 3: fleet 0/1 ACK")
            process.send_signal(signal.SIGINT)
            _, err = await asyncio.to_thread(process.communicate, timeout=90)
    assert process.returncode == 130
    assert "revision 3 is stored and goes on" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_server_that_restarts_under_a_wait_is_found_again(tmp_path: Path, site: Path, end: str) -> None:
    with serving(tmp_path, command="dev") as server:
        told(server.run("apply", str(site)), 0)
        async with DeltaClient(server.xds, "edge-1", "edge") as gateway:
            await gateway.subscribe(CLUSTER_TYPE)
            await gateway.next()
            process = following(server, "apply", str(changed(site, "second")), "--wait")
            await asyncio.to_thread(reads, process, "waiting for revision 2: fleet 0/1 ACK")
            await asyncio.to_thread(getattr(server, end))
        await asyncio.to_thread(reads, process, "the server went away; looking for it again")
        await asyncio.to_thread(server.start)
        async with DeltaClient(server.xds, "edge-1", "edge") as gateway:
            await gateway.subscribe(CLUSTER_TYPE)
            await gateway.next()
            await gateway.ack(CLUSTER_TYPE)
            out, err = await asyncio.to_thread(process.communicate, timeout=90)
    assert process.returncode == 0, err
    assert out.startswith("revision 2 stored.  fleet 1/1 ACK")


def following(server: ServerProcess, *arguments: str) -> subprocess.Popen[str]:
    command = (*FAIRLEAD, *arguments, "--server", server.management)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def reads(process: subprocess.Popen[str], words: str) -> None:
    """Reads what it says until it says this."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it ended without saying {words!r}")
