"""What a file's name says of a generation: `000012.good`. There is no index that could be damaged; a rename promotes.

No I/O here.
"""

from __future__ import annotations

import re
from typing import NamedTuple, cast, get_args

from agents.node.generations.generation import State

_FORM = re.compile(r"([0-9]{6,18})\.([a-z]+)", re.ASCII)
_STATES = get_args(State)


class FileName(NamedTuple):
    """In the order of numbers: time says nothing, clocks go back."""

    number: int
    state: State

    def __str__(self) -> str:
        return f"{self.number:06d}.{self.state}"

    def as_state(self, state: State) -> FileName:
        return FileName(self.number, state)


def parsed(name: str) -> FileName | None:
    """None for a name that is none of ours."""
    found = _FORM.fullmatch(name)
    if found is None or found[2] not in _STATES:
        return None
    told = FileName(int(found[1]), cast(State, found[2]))
    return told if str(told) == name else None  # 0000012 would be a second name for 12
