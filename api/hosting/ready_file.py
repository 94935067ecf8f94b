"""The file that tells other programs that a process started, and where it listens."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from api.errors import InvalidConfig


def write_ready_file(path: Path, addresses: Mapping[str, str]) -> None:
    """One JSON object, in one step: whoever sees the file sees all of it. The process id is added. Raises
    InvalidConfig."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({**addresses, "pid": os.getpid()}) + "\n", "utf-8")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise InvalidConfig(f"cannot write the ready file {path}: {error.strerror}") from error
