"""Whether this server should get new clients, and the file that tells other programs that it started."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from api.errors import InvalidConfig
from api.management.backend import Addresses
from xds.server.follow import Follower


@dataclass(slots=True)
class Readiness:
    """Asked by /readyz and by status. A server that is not ready goes on serving whoever is connected."""

    follower: Follower
    draining: bool = False

    def not_ready(self) -> str:
        """The reason; empty when ready."""
        if self.draining:
            return "this server is going away"
        if self.follower.not_ready_reason:
            return self.follower.not_ready_reason
        if self.follower.store_lost:
            return f"the store does not answer: {self.follower.store_lost}"
        return ""


def write_ready_file(path: Path, addresses: Addresses) -> None:
    """One JSON object, in one step: whoever sees the file sees all of it. Raises InvalidConfig."""
    content = {"xds": addresses.xds, "management": addresses.management, "http": addresses.http, "pid": os.getpid()}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(content) + "\n", "utf-8")
        beside.replace(path)
    except OSError as error:
        raise InvalidConfig(f"cannot write the ready file {path}: {error.strerror}") from error
