"""The version of this installation."""

from __future__ import annotations

from importlib import metadata

# The whole, or the node agent alone (deploy/agent); both are built from one tree, with one version.
_DISTRIBUTIONS = ("fairlead", "fairlead-agent")


def version() -> str:
    """As packaged; a source tree that was never installed says so."""
    for name in _DISTRIBUTIONS:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "0+not-installed"
