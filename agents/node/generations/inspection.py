"""A directory of generations for people: what is there, whether it would be used, and why not. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.node.generations.file_form import Vault
from agents.node.generations.file_names import FileName
from agents.node.generations.generation import Generation, Relations, ResourceName, Summary
from agents.node.generations.problems import NotUsable
from agents.node.generations.reading import Owner, check_owner, files_in, read_generation
from api.hosting.words import age_text, few_of
from xds.protocol.types import name_of

_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Inspected:
    """One file. `why` it is not used, or not in full; empty for one that is whole. `summary` where it could be read."""

    file: FileName
    why: str = ""
    summary: Summary | None = None
    left_out: tuple[ResourceName, ...] = ()
    sealed: tuple[ResourceName, ...] = ()

    def document(self, now_s: float) -> dict[str, Any]:
        """For programs. `digest` is `ok` for a file that was verified; the ages of what is yet to come are negative."""
        document: dict[str, Any] = {"file": str(self.file), "number": self.file.number, "state": self.file.state}
        if self.summary is not None:
            document |= _facts(self.summary, now_s)
        document |= {"digest": "ok" if self.summary else "", "why": self.why}
        return document | {"left_out": _documents(self.left_out), "sealed": _documents(self.sealed)}

    def lines(self, now_s: float) -> Iterator[str]:
        """For people: what it is, and below it what is not as it should be."""
        yield f"generation {self.file.number}  {', '.join((self.file.state, *self._words(now_s)))}"
        if self.why:
            yield f"    {self.why}"
        for names, what in ((self.left_out, "left out"), (self.sealed, "sealed")):
            if names:
                yield f"    {what}: {few_of([name_of(*each) for each in names], _NAMES_SHOWN)}"

    def _words(self, now_s: float) -> Iterator[str]:
        told = self.summary
        if told is not None:
            yield f"revision {told.revision}"
            yield f"made {age_text(now_s - told.made_at_s)} ago"
            yield f"{told.size_bytes / 1024:.1f} KiB"
            yield f"{told.resource_count} resource{'' if told.resource_count == 1 else 's'}"
            yield "digest ok"


def inspected(directory: Path, owner: Owner, vault: Vault | None) -> tuple[Inspected, ...]:
    """Everything in the directory, newest first, each file read and verified. Raises NotUsable when the directory
    itself cannot be read; one that is not there is empty."""
    try:
        os.listdir(directory)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise NotUsable(f"cannot read {directory}: {error.strerror}; ask as the user that the agent runs as") from error
    # An agent that runs may rename or remove what was listed.
    return tuple(
        found for name in files_in(directory) if (found := _inspected(directory, name, owner, vault)) is not None
    )


def _inspected(directory: Path, name: FileName, owner: Owner, vault: Vault | None) -> Inspected | None:
    try:
        generation = read_generation(directory, name, None, vault, lambda _type_url, _body: Relations())
    except NotUsable as error:
        return Inspected(name, error.message) if os.path.lexists(directory / str(name)) else None
    why = generation.sealed_shut
    try:
        check_owner(generation.summary, owner)
    except NotUsable as error:
        why = error.message
    return _whole(generation, name, why)


def _whole(generation: Generation, name: FileName, why: str) -> Inspected:
    names, told = generation.contents.left_out, generation.summary
    # What is sealed shut is told behind what was left out.
    return Inspected(name, why, told, names[: told.left_out_count], names[told.left_out_count :])


def _facts(told: Summary, now_s: float) -> dict[str, Any]:
    return {
        "node": told.node,
        "group": told.group,
        "revision": told.revision,
        "made_at": datetime.fromtimestamp(told.made_at_s, UTC).isoformat().replace("+00:00", "Z"),
        "age_s": round(now_s - told.made_at_s),
        "size_bytes": told.size_bytes,
        "resources": told.resource_count,
        "sealed_resources": told.sealed_count,
        "content": told.content,
    }


def _documents(names: Sequence[ResourceName]) -> list[dict[str, str]]:
    return [{"type_url": each.type_url, "name": each.name} for each in names]
