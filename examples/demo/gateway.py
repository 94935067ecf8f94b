"""One gateway of a demo: `fairlead agent`, the Envoy that it runs, and a listener of its own."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from examples.demo.__main__ import FAIRLEAD, fairlead, until
from examples.demo.processes import Kept
from snapshots.store.etcd.ports import free_port

_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


class Gateway:
    """Its files are in `directory`. `port` is where it takes requests."""

    def __init__(self, directory: Path, name: str, servers: str) -> None:
        self.name = name
        self._directory = directory
        self._state = directory / "state"
        self._ready = directory / "ready.json"
        self.port = free_port()
        self._http_port = free_port()
        directory.mkdir()
        overlay = directory / "overlay.json"
        overlay.write_text(json.dumps({"static_resources": {"listeners": [a_listener(self.port)]}}))
        self._agent = Kept(directory / "agent.log")
        self._envoy = 0
        self._command = (
            FAIRLEAD, "agent", f"--node={name}", "--group=edge", f"--servers={servers}",
            f"--http-address=127.0.0.1:{self._http_port}", f"--state-dir={self._state}", f"--ready-file={self._ready}",
            f"--bootstrap-overlay={overlay}", "--envoy-arguments=--concurrency,1",
            "--bake-s=1", "--drain-delay-s=0", "--drain-s=1",
        )  # fmt: skip

    def start(self) -> None:
        """Returns when the agent runs."""
        self._ready.unlink(missing_ok=True)
        self._agent.start(*self._command)
        until(lambda: self._ready.exists() or self._agent.has_ended, "the agent")
        self._agent.must_run()
        until(lambda: self._pid_of_envoy() != 0, "its Envoy")
        self._envoy = self._pid_of_envoy()

    def kill(self) -> None:
        """The agent and its Envoy, at once."""
        self._envoy = self._pid_of_envoy() or self._envoy
        self._agent.kill()
        self._kill_envoy()

    def end(self) -> None:
        """The agent ends its Envoy; one that was left behind is ended by force."""
        self._agent.end()
        self._kill_envoy()

    @property
    def is_connected(self) -> bool:
        """To a server, as the agent says itself."""
        return bool(self._status().get("upstream", {}).get("connected"))

    @property
    def revision(self) -> int:
        """What its Envoy is served."""
        return int(self._status().get("served", {}).get("revision", 0))

    @property
    def source(self) -> str:
        """Where what its Envoy is served comes from: upstream or disk."""
        return str(self._status().get("served", {}).get("source", ""))

    @property
    def has_good_generation(self) -> bool:
        """The name of a file says what it is."""
        return any(self._state.glob("generations/*.good"))

    def inspected(self) -> str:
        """What its disk has, in the agent's words."""
        named = (f"--node={self.name}", "--group=edge", f"--state-dir={self._state}")
        lines = fairlead("agent", "inspect", *named).splitlines()
        return "\n".join(line for line in lines if line.startswith(("$", "generation")))

    def _status(self) -> dict[str, Any]:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/status", timeout=20) as said,
        ):
            status: dict[str, Any] = json.load(said)
            return status
        return {}

    def _pid_of_envoy(self) -> int:
        """As the agent says; 0 for none."""
        return int(self._status().get("envoy", {}).get("pid") or 0)

    def _kill_envoy(self) -> None:
        """Only if it is still that process: numbers are given again."""
        with suppress(OSError):
            if self._envoy and str(self._directory).encode() in Path(f"/proc/{self._envoy}/cmdline").read_bytes():
                os.kill(self._envoy, signal.SIGKILL)


def a_listener(port: int) -> dict[str, Any]:
    """Of the gateway's own bootstrap: two gateways of one group cannot share an address of one machine. What it does
    with requests comes from Fairlead."""
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "http",
        "rds": {"route_config_name": "web", "config_source": {"resource_api_version": "V3", "ads": {}}},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": "http", "address": address, "filter_chains": [{"filters": filters}]}
