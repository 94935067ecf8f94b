"""`reset`: forget the highest revision that was taken, for a store that was put back on purpose, and what was bad."""

from __future__ import annotations

from collections.abc import Callable

from agents.node.generations.floor import Floor
from agents.node.generations.pin_file import PinFile
from agents.node.generations.reading import Owner
from agents.node.settings import AgentSettings


def main(settings: AgentSettings, reload: Callable[[], AgentSettings]) -> int:
    """A running agent hears of it by SIGHUP, or when it starts again. Raises NotWritten."""
    Floor(settings.places.floor).forget(settings.group)
    PinFile(settings.places.pinned, Owner(settings.node_id, settings.group)).forget()
    print(f"whatever revision comes next is taken for group {settings.group}; a running agent needs a SIGHUP for it")
    return 0
