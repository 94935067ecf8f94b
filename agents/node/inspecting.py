"""`inspect`: what this node has on its disk, with or without a running agent, and what a running one says of itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.node.doctor.running import Silence, is_locked, said_by
from agents.node.generations.floor import Floor
from agents.node.generations.inspection import Inspected, inspected
from agents.node.generations.reading import Owner
from agents.node.generations.vault import KeyVault, vault_from
from agents.node.settings import AgentSettings
from api.errors import InvalidConfig
from api.hosting.words import age_text
from api.nodes.printable import printable

TIMES = ("since_s", "last_exit_s", "baked_s", "fell_back_s")
"""What an agent says in Unix seconds."""

_LINE_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Node:
    """What was found. `said` is what the agent says, nothing without one; `problems` are sentences; `floor` is None
    where none is known."""

    settings: AgentSettings
    said: Mapping[str, Any]
    floor: int | None
    generations: tuple[Inspected, ...]
    problems: tuple[str, ...]

    def document(self, now_s: float) -> dict[str, Any]:
        """For programs."""
        return {
            "node": self.settings.node_id,
            "group": self.settings.group,
            "state_dir": str(self.settings.state_dir),
            "agent": dict(self.said) or None,
            "floor": self.floor,
            "generations": [each.document(now_s) for each in self.generations],
            "problems": list(self.problems),
        }

    def lines(self, now_s: float) -> Iterator[str]:
        """For people: the agent, then the disk, then what is wrong."""
        if self.said:
            yield "agent  runs"
            yield from (f"    {name}: {value}" for name, value in _flat(self.said, now_s))
        else:
            yield "agent  does not run"
        where = f"in {self.settings.state_dir}"
        floor = f"; no revision below {self.floor} is taken" if self.floor else ""
        count = len(self.generations)
        yield f"disk   {count or 'no'} generation{'' if count == 1 else 's'} {where}{floor}"
        for each in self.generations:
            yield from each.lines(now_s)
        yield from (f"problem: {each}" for each in self.problems)


def main(settings: AgentSettings, as_json: bool) -> int:
    """Print it; 0. Raises NotUsable when the state directory cannot be read."""
    found, now_s = look_at(settings), time.time()
    if as_json:
        print(json.dumps(found.document(now_s), indent=2))
    else:
        for line in found.lines(now_s):
            print(printable(line, _LINE_LIMIT))
    return 0


def look_at(settings: AgentSettings) -> Node:
    """Read all of it, and ask the agent that runs. Raises NotUsable."""
    problems: list[str] = []
    vault, said = _vault(settings, problems), _said(settings, problems)
    if said:  # it knows who it is, whatever this command was told
        settings = replace(settings, node=str(said.get("node", "")), group=str(said.get("group", "")))
    floor = Floor(settings.places.floor)
    known = floor.of(settings.group, otherwise=-1)
    problems += [floor.damage] if floor.damage else []
    owner = Owner(settings.node_id, settings.group)
    found = inspected(settings.places.generations, owner, vault)
    return Node(settings, said, known if known >= 0 else None, found, tuple(problems))


def _vault(settings: AgentSettings, problems: list[str]) -> KeyVault | None:
    try:
        return vault_from(settings.secrets_key) if settings.secrets_key else None
    except InvalidConfig as error:
        problems.append(error.message)
        return None


def _said(settings: AgentSettings, problems: list[str]) -> Mapping[str, Any]:
    if not is_locked(settings.places.lock):
        return {}
    try:
        return said_by(settings.places.announced)
    except Silence as error:
        problems.append(f"an agent has the state directory and does not answer: {error.message}")
        return {}


def _flat(said: Mapping[str, Any], now_s: float, above: str = "") -> Iterator[tuple[str, str]]:
    """`served.revision: 1842`: whatever an agent says, also one of another version. Of times, how far off they are."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from _flat(value, now_s, f"{above}{name}.")
        elif name in TIMES and isinstance(value, int | float):
            yield from [(f"{above}{name.removesuffix('_s')}", _when(value, now_s))] if value else ()
        elif value not in ("", None, []):
            yield f"{above}{name}", value if isinstance(value, str) else json.dumps(value)


def _when(unix_s: float, now_s: float) -> str:
    return f"{age_text(now_s - unix_s)} ago" if unix_s <= now_s else f"in {age_text(unix_s - now_s)}"
