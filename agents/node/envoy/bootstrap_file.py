"""The file that Envoy starts with: made from what the agent knows, with the operator's overlay, written in one step."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.node.envoy.admin import AdminPlace
from agents.node.envoy.overlay import laid_over
from api.errors import InvalidConfig
from api.hosting.durable import write_durably
from xds.bootstrap import NodeFacts, Place, UnixPlace, envoy_bootstrap, with_load_reports

SOCKET_PATH_LIMIT_BYTES = 107
"""What Linux takes for a Unix socket's path (unix(7)), without the byte that ends it."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What to make it of. `xds`: where the agent serves Envoy; `admin`: where Envoy is to be asked."""

    node: str
    group: str
    xds: Place | UnixPlace
    admin: AdminPlace
    facts: NodeFacts = field(default_factory=NodeFacts)
    overlay: Path | None = None
    load_reports: bool = False

    def document(self) -> dict[str, Any]:
        """`config.bootstrap.v3.Bootstrap` as JSON. Reads the overlay. Raises InvalidConfig."""
        admin = place_of(self.admin)
        for place in (self.xds, admin):
            _check_length(place)
        made = envoy_bootstrap(self.node, self.group, self.xds, facts=self.facts, admin=admin)
        made = with_load_reports(made) if self.load_reports else made
        return made if self.overlay is None else laid_over(made, _read(self.overlay), str(self.overlay))


def place_of(admin: AdminPlace) -> Place | UnixPlace:
    """The admin interface's place as a bootstrap has it."""
    return UnixPlace(str(admin)) if isinstance(admin, Path) else Place(admin.host, admin.port)


def content_of(bootstrap: Bootstrap) -> bytes:
    """What the file holds; the same for the same settings. Raises InvalidConfig."""
    return json.dumps(bootstrap.document(), indent=1).encode()


def digest_of(content: bytes) -> str:
    """What a bootstrap is known by."""
    return hashlib.sha256(content).hexdigest()


def write_bootstrap(content: bytes, file: Path) -> bool:
    """Have `file` hold it, for this user alone; whether it did not already. Raises InvalidConfig; the file is as it was
    then."""
    try:
        if file.exists() and file.read_bytes() == content:
            return False
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(file, [content])
        return True
    except OSError as error:
        raise InvalidConfig(f"cannot write Envoy's bootstrap {file}: {error.strerror or error}") from error


def _check_length(place: Place | UnixPlace) -> None:
    if isinstance(place, UnixPlace) and len(os.fsencode(place.path)) > SOCKET_PATH_LIMIT_BYTES:
        words = f"{place.path} is too long for a Unix socket ({SOCKET_PATH_LIMIT_BYTES} bytes at most)"
        raise InvalidConfig(f"{words}; give a shorter state directory, or an address of loopback")


def _read(overlay: Path) -> object:
    import yaml  # only where there is an overlay: the agent is to stay small

    try:
        return yaml.load(overlay.read_bytes(), yaml.CSafeLoader)
    except OSError as error:
        raise InvalidConfig(f"cannot read the bootstrap overlay {overlay}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidConfig(f"the bootstrap overlay {overlay} is neither YAML nor JSON: {error}") from error
