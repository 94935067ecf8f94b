"""A disk of 256 KiB that gets full and read-only, in a mount namespace of its own: it is gone with the process.

`python -m tests.small_disk full|read-only DIRECTORY`, inside `unshare --mount`, prints what a store of generations said
and did, as one JSON object.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.node.generations.baking import Promote, Write
from agents.node.generations.store import Generations
from tests.builders import cluster
from tests.generations import MADE_AT_S, a_store, contents, files, good, revision_in

SIZE_BYTES = 256 * 1024
NO_MOUNTS = 77  # this user may mount nothing, even for itself
LARGE = cluster("web", "x" * 20_000)


def full(directory: Path) -> dict[str, Any]:
    """A file of somebody else fills it, and goes again."""
    store = a_store(directory / "generations")
    good(store, 1)
    fill(directory / "filler")
    refused = _told(store, 2)
    (directory / "filler").unlink()
    return {"refused": refused, "mended": _told(store, 2)}


def read_only(directory: Path) -> dict[str, Any]:
    """As after an error of the file system; the newest generation is damaged, and cannot even be set aside."""
    store = a_store(directory / "generations")
    good(store, 1)
    good(store, 2, LARGE)
    (directory / "generations" / "000002.good").write_bytes(b"?")
    candidate = store.write(contents(3), MADE_AT_S)
    _mount("-o", "remount,ro", directory)
    refused = _told(store, 4)
    started = a_store(directory / "generations")
    told = {
        "promoted": repr(store.carry_out(Promote(candidate.number), None, MADE_AT_S)),
        "used after a start": revision_in(started.newest_good()),
    }
    _mount("-o", "remount,rw", directory)
    return {"refused": refused, **told, "mended": _told(store, 4)}


def _told(store: Generations, revision: int) -> dict[str, Any]:
    """What becomes of a new generation, and what is used then."""
    outcome = store.carry_out(Write("x"), contents(revision, LARGE), MADE_AT_S)
    if not store.problem:
        good(store, revision, LARGE)
    return {
        "outcome": repr(outcome),
        "problem": store.problem,
        "used": revision_in(store.newest_good()),
        "files": files(store.directory),
    }


def fill(path: Path) -> None:
    """A file that takes all that is left of a disk."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {"full": full, "read-only": read_only}


def main(scenario: str, directory: Path) -> None:
    try:
        _mount("-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", directory)
    except (OSError, subprocess.CalledProcessError):
        sys.exit(NO_MOUNTS)
    print(json.dumps(SCENARIOS[scenario](directory)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
