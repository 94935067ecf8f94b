"""A directory -> the paths of the files of interest below it: `*.yaml` and `*.yml`, nothing hidden. Reads no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from snapshots.authoring.limits import FILES_LIMIT
from snapshots.authoring.regular_files import Unreadable
from snapshots.codes import TOO_MANY_FILES

SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class Walk:
    """Absolute paths: the files of interest, the directories, and those that could not be walked, with the reason."""

    files: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    refused: dict[str, Unreadable] = field(default_factory=dict)


def walk(directory: str, entering: Callable[[str], None] = lambda _: None) -> Walk:
    """Everything below `directory`; a stack, not recursion, so that no depth is too deep.

    `entering` is called with each directory before it is listed.
    """
    walked, waiting = Walk(), [directory]
    while waiting:
        here = waiting.pop()
        try:
            entering(here)
            directories, files = listed(here)
        except OSError as error:
            walked.refused[here] = Unreadable.of(error)
            continue
        waiting += directories
        walked.directories.append(here)
        if len(walked.files) + len(files) > FILES_LIMIT:
            text = f"more than {FILES_LIMIT:,} files below this directory"
            walked.refused[directory] = Unreadable(TOO_MANY_FILES, text, "name a smaller one")
            break
        walked.files += files
    return walked


def listed(directory: str) -> tuple[list[str], list[str]]:
    """The directories and the files of interest in `directory`. Raises OSError."""
    directories, files = [], []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.path)
            elif entry.name.endswith(SUFFIXES) or (entry.is_symlink() and os.path.isdir(entry.path)):
                files.append(entry.path)  # a link to a directory is refused, not passed over in silence
    return directories, files


def name_below(top: str, absolute: str) -> str:
    """What a path is called in documents and findings: relative to `top`, with `/`."""
    below = absolute.removeprefix(top + os.sep)
    return (os.path.relpath(absolute, top) if below == absolute else below).replace(os.sep, "/")
