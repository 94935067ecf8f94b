"""Small JSON files with a digest of their own: what one flipped bit would make of them is not what somebody wrote."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from agents.node.generations.file_form import json_line


def with_digest(name: str, value: Any) -> bytes:
    """A file of one value, under its name."""
    return json_line({name: value, "sha256": _digest(value)})


def value_of(name: str, data: bytes) -> Any:
    """The value again. Raises ValueError, KeyError, TypeError or RecursionError for what is no such file."""
    document = json.loads(data)
    value = document[name]
    if document["sha256"] != _digest(value):
        raise ValueError
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json_line(value)).hexdigest()
