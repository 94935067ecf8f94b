"""The version of this installation."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """As packaged; a source tree that was never installed says so."""
    try:
        return metadata.version("fairlead")
    except metadata.PackageNotFoundError:
        return "0+not-installed"
