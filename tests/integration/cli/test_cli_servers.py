"""Doctor, contexts, TLS, and `dev` and `serve` as processes."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest
import trustme

from tests.commands import (
    Documents,
    elsewhere,
    has_ended,
    offline,
    told,
)
from tests.spine import ServerProcess, wait_for


def test_doctor_is_content_and_names_what_is_not_kept(server: ServerProcess) -> None:
    checks = {one["check"]: one for one in told(server.run("doctor", "-o", "json"), 0).json()["checks"]}
    assert {"descriptors", "data", "server", "clock", "xds port", "http port", "store"} <= set(checks)
    assert all(one["verdict"] == "good" for name, one in checks.items() if name not in ("store", "data"))
    assert checks["store"]["verdict"] == "doubtful"
    assert checks["store"]["remedy"]


def test_a_context_names_the_server(server: ServerProcess, tmp_path: Path) -> None:
    environment = {"FAIRLEAD_CONFIG": str(tmp_path / "contexts.toml")}
    told(offline("context", "set", "here", "--server", server.management, environment=environment), 0)
    told(offline("status", environment=environment), 0)
    told(offline("--context", "here", "status", environment=environment), 0)
    told(offline("--server", "127.0.0.1:1", "status", environment=environment), 4)
    told(offline("status", "--context", "gone", environment=environment), 3)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A directory with a CA, a server's certificate and a person's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, issued in (("server", authority.issue_cert("127.0.0.1")), ("me", authority.issue_cert("me@example.net"))):
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
    return tmp_path


def test_a_context_with_certificates_is_let_in_and_nobody_else(certificates: Path) -> None:
    tls = [f"--management-{what}={certificates / file}" for what, file in
           (("cert", "server.pem"), ("key", "server.key"), ("client-ca", "ca.pem"))]  # fmt: skip
    environment = {"FAIRLEAD_CONFIG": str(certificates / "contexts.toml")}
    me = [f"--{what}={certificates / file}" for what, file in (("ca", "ca.pem"), ("cert", "me.pem"), ("key", "me.key"))]
    secured = ServerProcess(certificates / "server", "--memory", *tls, command="serve").start()
    try:
        told(offline("context", "set", "me", "--server", secured.management, *me, environment=environment), 0)
        told(offline("context", "set", "half", "--server", secured.management, me[0], environment=environment), 0)
        told(offline("status", environment=environment), 0)
        told(offline("status", "--context", "half", environment=environment), 4)
        assert "TLS" in told(offline("status", "--server", secured.management, environment=environment), 4).err
    finally:
        assert secured.stop() == 0


def test_dev_ends_on_ctrl_c_with_130_and_on_sigterm_with_0(tmp_path: Path) -> None:
    for sign, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        process = ServerProcess(tmp_path / sign.name, "--memory").start()
        os.kill(process.pid, sign)
        wait_for(partial(has_ended, process.pid), "the end of dev")
        assert process.stop() == code


def test_a_port_in_use_is_told_in_words(server: ServerProcess) -> None:
    done = told(offline("dev", "--memory", "--xds-address", server.xds, *elsewhere("management", "http")), 3)
    assert server.xds in done.err


def test_dev_refuses_settings_that_are_wrong() -> None:
    assert "host:port" in told(offline("dev", "--memory", "--xds-address", "nowhere"), 3).err
    assert "not loopback" in told(offline("serve", "--memory", "--xds-address", "0.0.0.0:0"), 3).err


def test_dev_applies_a_directory_and_applies_it_again(tmp_path: Path) -> None:
    site = Documents(tmp_path / "site", "followed")
    site.directory.mkdir()
    site.named("shop").cluster()
    process = ServerProcess(tmp_path / "server", str(site), "--memory").start()

    def revision() -> int:
        done = process.run("status", "-o", "json")
        return int(done.json()["revision"] or 0) if done.code == 0 else 0

    try:
        wait_for(lambda: revision() == 1, "the first revision")
        site.cluster(timeout="2s")
        wait_for(lambda: revision() == 2, "the second revision")
    finally:
        process.stop()
