"""Regular expressions that people write, judged as Envoy judges them: by RE2, and by the size of what it makes of them.

One expression that Envoy does not take would cost a whole route configuration. Pure.
"""

from __future__ import annotations

from functools import lru_cache

import re2

# Envoy's own limit on the size of a compiled program, unless its runtime `re2.max_program_size.error_level` is set.
PROGRAM_SIZE_LIMIT = 100


@lru_cache(maxsize=4096)
def regex_problem(pattern: str) -> str:
    """Why Envoy would not take `pattern`; empty if it would."""
    if not pattern:
        return "it is empty"
    options = re2.Options()
    options.log_errors = False
    try:
        size: int = re2.compile(pattern, options).programsize
    except re2.error as error:
        text = error.args[0] if error.args else error
        return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    if size > PROGRAM_SIZE_LIMIT:
        return f"it compiles to {size} steps, and Envoy takes {PROGRAM_SIZE_LIMIT}"
    return ""
