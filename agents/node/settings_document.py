"""docs/agent-configuration.md, written from the agent's table of settings. A test compares them.

`python -m agents.node.settings_document > docs/agent-configuration.md` writes it anew.
"""

from __future__ import annotations

from agents.node.settings import SETTINGS
from api.hosting.settings.document import tables

_INTRODUCTION = """\
# Configuration of the node agent

`fairlead agent` and `fairlead-agent` take the same settings ([agent.md](agent.md) says what they are about). Each is
a flag, an environment variable and a key of the TOML file that `--config FILE` names. A flag beats the environment,
the environment beats the file, the file beats the default. This page is written from the table that the agent itself
reads (`agents/node/settings.py`); `python -m agents.node.settings_document` prints it.

Lists have commas between their items in flags and variables, and are arrays in TOML. A mistake is told with its
source, key and line, all of them at once; a name that is close to a setting's is suggested. An address is
`host:port`, a Unix socket `unix:PATH`; port 0 takes a free one, which the ready file tells.
[deploy/agent.toml](../deploy/agent.toml) is a file to begin with.

"""

_RULES = """\
## Rules between settings

- Off loopback, servers and relays are spoken to by TLS: `upstream_ca` is needed, and `upstream_cert` with
  `upstream_key` where they want to see one. A relay that listens off loopback needs a certificate, a key and a client
  CA. Plaintext is refused there unless both `insecure_plaintext` and `insecure_off_loopback` are set: whoever is in
  between would control the gateway.
- A certificate and its key are given together, and so are `secrets = "seal"` and `secrets_key`.
- `envoy = "mind"` needs `envoy_admin`: the address that the bootstrap of that Envoy gives its admin interface. It
  must be of this machine.
- `generations` is at least 1.
- `bootstrap_overlay` may hold whatever an Envoy bootstrap may, but for what the agent lives by: `node.id`,
  `node.cluster`, `dynamic_resources`, `admin.address`, and the cluster `fairlead`.
"""

_SECTIONS = {
    "node": "Who this gateway is",
    "upstream": "The control plane",
    "state": "What is kept on disk",
    "local": "Local xDS",
    "http": "HTTP listener",
    "envoy": "Envoy",
    "relay": "Serving other agents",
    "reports": "Reports",
    "operations": "Operations",
    "insecure": "Plaintext off loopback",
    "agent": "Process",
    "log": "Logs",
}


def configuration_document() -> str:
    """The whole page as Markdown."""
    return _INTRODUCTION + tables(SETTINGS, _SECTIONS) + _RULES


if __name__ == "__main__":
    print(configuration_document(), end="")
