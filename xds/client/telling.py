"""`system_version_info` of a server to clients with the feature `fairlead.dev/revision`: `REVISION@VERSION`, and marks.

They stand at the end, in this order. `*`: with this response the client has been told everything of the type that it
asked all of. `~COMPLETE`: a relay says it that has all of revision COMPLETE, and of REVISION a part. `?`: a relay says
it whose own upstream is away, so that others may know better. `+`: more of REVISION is to come on this stream.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = "[1-9][0-9]{0,18}"
_TOLD = re.compile(rf"({_NUMBER})@(.*?)(\*?)(?:~({_NUMBER}))?(\??)(\+?)", re.ASCII | re.DOTALL)


class Told(NamedTuple):
    """`revision`, `whole` and `complete` are None when the server tells none; `complete` is `revision` but in a relay
    that is halfway."""

    version: str
    revision: int | None = None
    whole: bool | None = None
    complete: int | None = None
    is_old: bool = False
    has_more: bool = False


def told(system_version_info: str) -> Told:
    """Split what the server says. Whatever is not of that form is a version and nothing else."""
    found = _TOLD.fullmatch(system_version_info)
    if found is None:
        return Told(system_version_info)
    revision, version, whole, complete, old, more = found.groups()
    return Told(version, int(revision), bool(whole), int(complete or revision), bool(old), bool(more))
