"""The state directory: whose it is, who may read it, whether the disk takes what is written."""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from api.hosting.checks import Check, Verdict
from api.hosting.durable import write_durably

NAME = "state directory"
LITTLE_BYTES = 64 * 2**20
SLOW_S = 1.0
_PROBE = "doctor"


def state_checks(directory: Path) -> Iterator[Check]:
    """In order; where there is no directory, whether there could be one."""
    if not directory.exists():
        yield _could_be_made(directory.absolute())
        return
    try:
        found = directory.stat()
    except OSError as error:
        yield Check(NAME, Verdict.BAD, f"{directory}: {error.strerror}", "state.dir names it")
        return
    if not stat.S_ISDIR(found.st_mode):
        yield Check(NAME, Verdict.BAD, f"{directory} is no directory", "state.dir names it; give another")
        return
    yield ownership_check(directory, found.st_uid, stat.S_IMODE(found.st_mode), os.geteuid())
    yield _writing_check(directory)
    yield _space_check(directory)


def _could_be_made(directory: Path) -> Check:
    nearest = next(place for place in directory.parents if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Check(NAME, Verdict.GOOD, f"{directory} is made when the agent starts for the first time")
    remedy = "make it for the agent's user, or give another state.dir"
    return Check(NAME, Verdict.BAD, f"{directory} cannot be made in {nearest}", remedy)


def ownership_check(directory: Path, owner: int, mode: int, me: int) -> Check:
    """The agent runs as the directory's owner; root, who may look at everything, is told who that is."""
    if me not in (owner, 0):
        remedy = f"run this as {_name(owner)}, or give the directory to the agent's user"
        return Check(NAME, Verdict.BAD, f"{directory} belongs to {_name(owner)}, and this is {_name(me)}", remedy)
    if mode & 0o077:
        remedy = f"what is served can be read there: chmod 700 {directory}"
        return Check(NAME, Verdict.DOUBTFUL, f"{directory} is open to others ({mode:o})", remedy)
    return Check(NAME, Verdict.GOOD, f"{directory} belongs to {_name(owner)} alone")


def _name(user: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(user).pw_name
    return f"user {user}"


def _writing_check(directory: Path) -> Check:
    """As a generation is written: brought to the disk, in one step."""
    file, started_s = directory / _PROBE, time.monotonic()
    try:
        write_durably(file, [bytes(4096)])
        file.unlink()
    except OSError as error:
        remedy = "Envoy is served all the same, but what it is served is not kept: mend the disk, or its mount"
        return Check("disk", Verdict.BAD, f"it takes no file: {(error.strerror or str(error)).lower()}", remedy)
    took_s = time.monotonic() - started_s
    if took_s > SLOW_S:
        return Check("disk", Verdict.DOUBTFUL, f"4 KiB took {took_s:.1f} s to be on it", "look for what keeps it busy")
    return Check("disk", Verdict.GOOD, f"4 KiB are on it in {took_s * 1000:.1f} ms")


def _space_check(directory: Path) -> Check:
    space = os.statvfs(directory)
    free_bytes = space.f_bavail * space.f_frsize
    found = f"{free_bytes / 2**20:.0f} MiB left"
    if free_bytes < LITTLE_BYTES or (space.f_files and not space.f_favail):
        remedy = "make room: a generation that does not fit is not kept"
        return Check("space", Verdict.DOUBTFUL, found, remedy)
    return Check("space", Verdict.GOOD, found)
