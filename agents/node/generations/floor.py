"""The highest revision that was ever taken, by group, in `floor.json`: who tells less is not followed.

The file has a digest of its own: one flipped bit could make a floor that no revision reaches for years. A damaged file
is no file, and whoever asks says what counts then: the revision of the newest generation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents.node.generations.digested import value_of, with_digest
from agents.node.generations.problems import NotWritten
from api.hosting.durable import write_durably

_LIMIT_BYTES = 1024 * 1024


class Floor:
    """The floors of one agent. Reads its file once; blocks on files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._floors: dict[str, int] | None = None
        self.damage = ""

    def of(self, group: str, *, otherwise: int) -> int:
        """The floor of a group; `otherwise` where nothing is known of it. 0 after `forget`."""
        return self._known().get(group, otherwise)

    def read_again(self) -> None:
        """Somebody else may have written it: `fairlead agent reset`."""
        self._floors = None

    def raise_to(self, group: str, revision: int) -> None:
        """This revision was taken; a lower one than before changes nothing. Raises NotWritten, and stands all the same
        until the process ends."""
        if revision > self._known().get(group, -1):
            self._set(group, revision)

    def forget(self, group: str) -> None:
        """Take whatever comes next, be it older. Raises NotWritten."""
        self._set(group, 0)

    def _set(self, group: str, revision: int) -> None:
        floors = self._known()
        floors[group] = revision
        try:
            write_durably(self._path, [with_digest("floors", floors)])
        except OSError as error:
            raise NotWritten(
                f"cannot write {self._path}: {error.strerror or error}; until it can be, an agent that is restarted may"
                " take an older revision; mend the disk, it is tried again with the next revision"
            ) from error

    def _known(self) -> dict[str, int]:
        if self._floors is None:
            self._floors = self._read()
        return self._floors

    def _read(self) -> dict[str, int]:
        try:
            with open(self._path, "rb") as file:
                return _checked(value_of("floors", file.read(_LIMIT_BYTES)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not what an agent wrote"
            self.damage = f"{self._path} is not used: {why}; the newest generation's revision counts instead"
            return {}


def _checked(floors: Any) -> dict[str, int]:
    if not isinstance(floors, dict) or not all(type(revision) is int for revision in floors.values()):
        raise TypeError
    return floors
