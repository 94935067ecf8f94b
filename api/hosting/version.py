"""The version of this installation.

It stands in the name of a directory. `importlib.metadata` would tell it too, with a parser for mail: two MiB for good.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

# The whole, or the node agent alone (deploy/agent); both are built from one tree, with one version.
_DISTRIBUTIONS = ("fairlead", "fairlead_agent")
_SUFFIX = ".dist-info"


@cache
def version() -> str:
    """As packaged; a source tree that was never installed says so."""
    for name in _DISTRIBUTIONS:
        for place in filter(None, sys.path):
            for found in Path(place).glob(f"{name}-[0-9]*{_SUFFIX}"):
                return found.name.removeprefix(f"{name}-").removesuffix(_SUFFIX)
    return "0+not-installed"
