"""`system_version_info` of a server to clients with the feature `fairlead.dev/revision`: `REVISION@VERSION`.

A `*` at the end: with this response the client has been told everything of the type that it asked all of. A `?` at
the very end: a relay says it whose own upstream is away, so that others may know better.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOLD = re.compile(r"([1-9][0-9]{0,18})@(.*?)(\*?)\??", re.ASCII | re.DOTALL)


class Told(NamedTuple):
    """`revision` and `whole` are None when the server tells none."""

    version: str
    revision: int | None = None
    whole: bool | None = None


def told(system_version_info: str) -> Told:
    """Split what the server says. Whatever is not of that form is a version and nothing else."""
    found = _TOLD.fullmatch(system_version_info)
    if found is None:
        return Told(system_version_info)
    revision, version, whole = found.groups()
    return Told(version, int(revision), bool(whole))


def is_told_as_old(system_version_info: str) -> bool:
    """Whether whoever says so has no upstream at the time."""
    return system_version_info.endswith("?") and _TOLD.fullmatch(system_version_info) is not None
