"""Ages and lists in few words, for people."""

from __future__ import annotations

from collections.abc import Sequence


def age_text(passed_s: float) -> str:
    """`42s`, `17m`, `5h`, `3d`; `0s` for what is yet to come: clocks differ."""
    whole_s = max(0, int(passed_s))
    for unit, length_s in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole_s >= 2 * length_s:
            return f"{whole_s // length_s}{unit}"
    return f"{whole_s}s"


def few_of(names: Sequence[str], shown: int = 5) -> str:
    """Some of many names, for a sentence: `a, b and 3 more`."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
