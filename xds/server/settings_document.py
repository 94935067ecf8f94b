"""docs/configuration.md, written from the table of settings so that it cannot say anything else. A test compares them.

`python -m xds.server.settings_document > docs/configuration.md` writes it anew.
"""

from __future__ import annotations

from api.hosting.settings.document import tables
from xds.server.settings import SETTINGS

_INTRODUCTION = """\
# Configuration of the server

`fairlead serve` and `fairlead dev` take the same settings. Each is a flag, an environment variable and a key of the
TOML file that `fairlead serve --config FILE` reads. A flag beats the environment, the environment beats the file, the
file beats the default. This page is written from the table that the server itself reads
(`xds/server/settings.py`); `python -m xds.server.settings_document` prints it.

Lists (etcd endpoints, descriptor sets) have commas between their items in flags and variables, and are arrays in TOML.
A mistake is told with its source, key and line, all of them at once; a name that is close to a setting's is suggested.
An address is `host:port`; port 0 takes a free one, which the ready file and `fairlead status` tell.

```toml
# /etc/fairlead/server.toml
[xds]
address = "0.0.0.0:18000"
cert = "/etc/fairlead/tls/server.crt"
key = "/etc/fairlead/tls/server.key"
client_ca = "/etc/fairlead/tls/gateways-ca.crt"

[management]
address = "0.0.0.0:18001"
cert = "/etc/fairlead/tls/server.crt"
key = "/etc/fairlead/tls/server.key"
client_ca = "/etc/fairlead/tls/operators-ca.crt"

[etcd]
endpoints = ["https://etcd-1:2379", "https://etcd-2:2379", "https://etcd-3:2379"]
ca = "/etc/fairlead/tls/etcd-ca.crt"
username = "fairlead"
password_file = "/run/secrets/etcd-password"
```

"""

_RULES = """\
## Rules between settings

- `memory` and `etcd` exclude each other. Without both, an etcd is started as a child process and keeps its data in
  `data_dir`; it ends with the server.
- A certificate and its key are given together, and so are `etcd_username` and `etcd_password_file`.
- Off loopback, the xDS and the management listener each need a certificate, a key and a client CA. Plaintext, or TLS
  that lets any client in, is refused there unless both `insecure_plaintext` and `insecure_off_loopback` are set. The
  HTTP listener has no TLS; keep it for probes and Prometheus.
- `rest_polling` serves configuration on the HTTP listener, in plaintext and to whoever asks. It is refused beside
  `xds_client_ca`, and off loopback, unless both `insecure_plaintext` and `insecure_off_loopback` are set; secrets are
  not polled off loopback even then (docs/xds.md).
- `gc_keep_revisions` is at least 1.
- The budgets are what a publication may come to ([checks](authoring/checks.md)). A Workspace can have smaller ones of
  its own (`spec.budgets`). Who means to go beyond says so (`fairlead apply --yes`), and the revision's message has what
  was beyond and who allowed it. `fairlead dev DIR` takes whatever the directory holds.
- With `taste` each publication is first loaded by a real Envoy on the server's machine, together with what the other
  workspaces of the group hold; what that does not take is refused. It costs some 0.2 s a publication, and a server that
  has no Envoy to ask does not start (exit code 4). Without it, `fairlead apply --taste` does the same where the command
  runs, with the documents at hand.

## While it runs

- **SIGTERM, SIGINT**: the server is not ready any more, gateways are sent elsewhere in small numbers for at most
  `drain_s` seconds, and it ends with 0. A second signal does not wait.
- **SIGHUP**: the settings are read again and the log's level and form taken over; a mistake leaves the old ones.
- **Certificates** are looked at for every handshake: replaced files are used for new connections, open streams stay.
  Files that do not fit together leave the old ones in use, and the log says so.
- **Ready**: `/readyz` answers 503 with the reason while groups are loading or the store does not answer; gateways that
  are connected are served all the same. The ready file is written once, when the server is ready for the first time.
- A cluster of yours that does not answer at the start is no error: the server is not ready, says why, and is ready when
  etcd answers. An embedded etcd that cannot be started ends the server with 4; an address that is taken, or a setting
  that is wrong, with 3; credentials that etcd refuses at the start, with 7. Once it has served, nothing of this ends a
  server: what it has loaded stays served, and it is not ready.
- **Nodes**: each server answers for the nodes that are connected to itself. With several servers on one etcd, ask each
  for its nodes (`fairlead nodes --server …`); revisions, history and documents are the same from all of them.
- **Metrics** are at `/metrics`; where `otlp_endpoint` is set, they and the **traces** go there. A revision's trace
  begins with the command that made it (commands send theirs to `OTEL_EXPORTER_OTLP_ENDPOINT`) and ends with the answer
  of each node; at most 1,000 of those are kept for a revision.
"""

_SECTIONS = {
    "xds": "xDS listener",
    "management": "Management listener",
    "http": "HTTP listener",
    "store": "Store",
    "etcd": "etcd",
    "insecure": "Plaintext off loopback",
    "server": "Process",
    "log": "Logs",
    "telemetry": "Telemetry",
    "gc": "Garbage collection",
    "budget": "Budgets",
    "taste": "Taste",
    "envoy": "Envoy's API",
}


def configuration_document() -> str:
    """The whole page as Markdown."""
    return _INTRODUCTION + tables(SETTINGS, _SECTIONS) + _RULES


if __name__ == "__main__":
    print(configuration_document(), end="")
