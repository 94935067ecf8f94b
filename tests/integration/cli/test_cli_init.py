"""`fairlead init`: what it writes is served by a real Envoy at once; and it asks where there is a person to answer."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from examples.demo.envoy import Envoy
from snapshots.store.etcd.ports import free_port
from tests.commands import offline, told
from tests.echoes import Echo, ask
from tests.spine import FAIRLEAD, ROOT, ServerProcess, wait_for


@pytest.mark.envoy
def test_a_new_example_is_served_by_an_envoy_at_once(tmp_path: Path) -> None:
    shop, port = tmp_path / "shop", free_port()
    with Echo("service") as service:
        told(offline("init", str(shop), f"--port={port}", f"--backend=127.0.0.1:{service.port}", "--yes"), 0)
        server = ServerProcess(tmp_path / "server", "--memory", str(shop)).start()
        envoy = Envoy.start(tmp_path / "envoy", server.xds, group="edge")
        try:
            wait_for(lambda: _answers(port), "the example")
            assert ask(port, "/hello", host="any.example").echo["name"] == "service"
        finally:
            envoy.stop()
            server.stop()


def _answers(port: int) -> bool:
    try:
        return ask(port, "/").status == 200
    except OSError:
        return False


def on_a_terminal(directory: Path, answers: bytes) -> tuple[subprocess.Popen[bytes], int]:
    person, terminal = os.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = subprocess.Popen(
        (*FAIRLEAD, "init", str(directory)), stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, env=environment
    )
    os.close(terminal)
    os.write(person, answers)
    return command, person


def test_a_person_is_asked_until_the_answer_can_be_used(tmp_path: Path) -> None:
    # Name (one that cannot be), name, group, address, port, backend, host.
    command, person = on_a_terminal(tmp_path / "new", b"Shop\nweb\n\n\n8080\n\nshop.example\n")
    out, _ = command.communicate(timeout=60)
    os.close(person)
    assert (command.returncode, len(out.splitlines())) == (0, 5)
    assert "name: web" in (tmp_path / "new" / "fairlead.yaml").read_text()
    assert "port: 8080" in (tmp_path / "new" / "gateway.yaml").read_text()
    assert "shop.example" in (tmp_path / "new" / "routes.yaml").read_text()


def test_a_person_who_leaves_has_nothing_written(tmp_path: Path) -> None:
    command, person = on_a_terminal(tmp_path / "new", b"web\n")
    shown = b""
    while b"Group" not in shown:
        shown += os.read(person, 1000)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    os.close(person)
    assert command.returncode == 130
    assert not (tmp_path / "new").exists()
