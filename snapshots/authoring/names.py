"""What workspaces, groups and documents may be called."""

from __future__ import annotations

import re

# They stand in URLs, file names, metric labels and the store's keys: so nothing that any of those would have to escape.
NAME_PATTERN = r"[a-z0-9](?:[-._a-z0-9]*[a-z0-9])?"
_NAME = re.compile(NAME_PATTERN, re.ASCII)

SHORT_NAME_LIMIT = 63
NAME_LIMIT = 253


def name_problem(name: str, limit: int = SHORT_NAME_LIMIT) -> str:
    """Why `name` cannot be used, as a sentence that follows `the name "…"`; "" if it can."""
    if not name:
        return "must not be empty"
    if len(name) > limit:
        return f"is longer than {limit} characters"
    if _NAME.fullmatch(name):
        return ""
    return 'must be lower-case letters, digits, "-", "." and "_", and begin and end with a letter or digit'
