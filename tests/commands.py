"""What the tests of the commands share: a workspace on disk, and a command as a person or a script runs it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.forking import run_command
from tests.spine import FAIRLEAD, ROOT, Done, ServerProcess
from tests.whole_servers import an_eds_cluster_document

CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
WORKSPACE = """\
apiVersion: fairlead.dev/v1
kind: Workspace
metadata: {{name: {name}}}
spec:
  group: {group}
"""
CLUSTER = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: {name}}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: {name}
  connect_timeout: {timeout}
"""

SECRET = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: cert}}
spec:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: cert
  tls_certificate: {{private_key: {{inline_string: {key}}}}}
"""


@dataclass(frozen=True)
class Documents:
    """A workspace on disk; its group is the test's own."""

    directory: Path
    group: str

    def cluster(self, name: str = "web", timeout: str = "1s") -> Documents:
        (self.directory / f"{name}.yaml").write_text(CLUSTER.format(name=name, timeout=timeout))
        return self

    def eds_cluster(self, name: str = "carts", *endpoints: tuple[str, int]) -> Documents:
        (self.directory / f"{name}.yaml").write_bytes(an_eds_cluster_document(name, *endpoints).content)
        return self

    def named(self, workspace: str) -> Documents:
        (self.directory / "fairlead.yaml").write_text(WORKSPACE.format(name=workspace, group=self.group))
        return self

    def __str__(self) -> str:
        return str(self.directory)


def told(done: Done, code: int) -> Done:
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done


def elsewhere(*listeners: str) -> list[str]:
    return [f"--{name}-address=127.0.0.1:0" for name in listeners]


def offline(*arguments: str, environment: dict[str, str] | None = None, stdin: str | None = None) -> Done:
    """One command of a person without contexts, without a server in the environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")}
    clean |= {"FAIRLEAD_CONFIG": "/nonexistent/contexts.toml", "NO_COLOR": "1"}
    return Done(*run_command(arguments, {**clean, **(environment or {})}, Path.cwd(), stdin or ""))


def started(server: ServerProcess, *arguments: str, terminal: int | None = None) -> subprocess.Popen[str]:
    """A command that goes on, against the server; `terminal` is its standard input and error."""
    environment = {**os.environ, "FAIRLEAD_SERVER": server.management, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        (*FAIRLEAD, *arguments), stdout=pipe, stdin=terminal, text=True, env=environment,
        stderr=pipe if terminal is None else terminal,
    )  # fmt: skip


def finished(process: subprocess.Popen[str], within_s: float = 90) -> Done:
    out, err = process.communicate(timeout=within_s)
    return Done(process.returncode, out, err)


def has_ended(pid: int) -> bool:
    """Whether a child of ours has ended; nobody need have waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
