"""The codes of findings about settings. Their pages are among those of all codes."""

from __future__ import annotations

SETTINGS_UNREADABLE = "E0801"
UNKNOWN_SETTING = "E0802"
INVALID_SETTING = "E0803"
SETTINGS_DISAGREE = "E0804"
