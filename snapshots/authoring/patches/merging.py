"""JSON merge patch. Pure.  RFC 7386."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snapshots.authoring.yaml_nodes import Path


def merged(target: Any, patch: Any) -> Any:
    """`target` with `patch` merged in: null removes, mappings are merged, all else replaces. Neither is changed."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def leaves(patch: Any, path: Path = ()) -> Iterator[Path]:
    """The paths that a merge patch writes: of everything in it that is no mapping, and of empty mappings."""
    if not isinstance(patch, dict) or not patch:
        yield path
        return
    for key, value in patch.items():
        yield from leaves(value, (*path, key))
