"""RE2 patterns, as Envoy writes them in its rules, in Python's `re` where the two agree."""

from __future__ import annotations

import re

# Python has no such classes, or means something else by the letter.
_UNTRANSLATABLE = re.compile(r"\\[pPCQEZ]|\[\[:|\[\^\[:|(?<!^)\(\?[imsU-]+[:)]")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$|.", re.DOTALL)


def compiled(pattern: str) -> re.Pattern[str] | None:
    """`pattern` for `search`, or None where Python cannot express it.

    RE2's `$` stands for the very end, Python's also for the place before a last newline; RE2's `\\d`, `\\w` and `\\s`
    are ASCII.
    """
    if _UNTRANSLATABLE.search(pattern):
        return None
    ends = {"$": r"\Z", r"\z": r"\Z"}
    translated = "".join(ends.get(token, token) for token in _TOKEN.findall(pattern))
    try:
        return re.compile(translated, re.ASCII)
    except re.error:
        return None
