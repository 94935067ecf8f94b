"""Whether the gateway is held to its last good content, in `pinned.json`: so that a restart does not try the bad again.

A file that is damaged, or of another node or group, is no file: then upstream is followed, and what is bad is found out
once more.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from agents.node.generations.digested import value_of, with_digest
from agents.node.generations.generation import ResourceName
from agents.node.generations.pin import UNKNOWN, Pin
from agents.node.generations.problems import NotWritten
from agents.node.generations.reading import Owner
from api.hosting.durable import write_durably
from xds.protocol.types import TypeUrl

_LIMIT_BYTES = 64 * 1024 * 1024


class PinFile:
    """Of one agent; it blocks on files. `damage`: why the file was not used, if it was not."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self._path = path
        self._owner = owner
        self.damage = ""

    def read(self) -> Pin | None:
        """None where nothing is held."""
        try:
            with open(self._path, "rb") as file:
                return _pin(value_of("pin", file.read(_LIMIT_BYTES)), self._owner)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not what this agent wrote"
            self.damage = f"{self._path} is not used: {why}; what Envoy died of may be tried once more"
            return None

    def write(self, pin: Pin, secret: Collection[ResourceName]) -> None:
        """Keep it. The versions of what is `secret` are digests for anybody to try words against, and are left out.

        Raises NotWritten."""
        suspects = [
            [*name, UNKNOWN if version is not None and name in secret else version]
            for name, version in sorted(pin.suspects.items())
        ]
        value = {"node": self._owner.node, "group": self._owner.group, "why": pin.why, "suspects": suspects}
        try:
            write_durably(self._path, [with_digest("pin", value)])
        except OSError as error:
            raise self._not_written(error) from error

    def forget(self) -> None:
        """Follow upstream again. Raises NotWritten."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> NotWritten:
        words = "after a restart of the agent Envoy may be served something else than now"
        return NotWritten(f"cannot write {self._path}: {error.strerror or error}; {words}; mend the disk")


def _pin(value: Any, owner: Owner) -> Pin:
    if (value["node"], value["group"]) != tuple(owner) or not isinstance(value["why"], str):
        raise ValueError
    suspects = {ResourceName(TypeUrl(url), name): version for url, name, version in value["suspects"]}
    if not suspects or not all(map(_is_sound, suspects.items())):
        raise ValueError
    return Pin(value["why"], suspects)


def _is_sound(suspect: tuple[ResourceName, Any]) -> bool:
    name, version = suspect
    return isinstance(name.type_url, str) and isinstance(name.name, str) and isinstance(version, str | None)
