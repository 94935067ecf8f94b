"""The Envoys that an agent before this one left running: found among all processes by the bootstrap they were called
with, which is this state directory's. A process that merely has a number from the record is nobody of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.node.envoy.command import Epoch, epoch_of, made_by_agent
from agents.node.envoy.processes import Seen, all_seen
from agents.node.envoy.record import Record


@dataclass(frozen=True, slots=True)
class Found:
    """One that runs. `program` and `bootstrap` are as recorded when it was started; empty where that is lost."""

    seen: Seen
    epoch: Epoch
    program: str = ""
    bootstrap: str = ""


def running(bootstrap: Path, record: Record, base_id_file: Path) -> list[Found]:
    """Oldest first. Reads /proc."""
    ours = [each for each in all_seen() if made_by_agent(each.arguments, bootstrap)]
    return sorted((_found(each, record, base_id_file) for each in _topmost(ours)), key=_age)


def _topmost(ours: Iterable[Seen]) -> list[Seen]:
    """Of a script and the Envoy that it waits for, the script: it is what was started."""
    by_pid = {each.pid: each for each in ours}
    return [each for each in by_pid.values() if each.parent not in by_pid]


def _found(seen: Seen, record: Record, base_id_file: Path) -> Found:
    epoch, known = epoch_of(seen.arguments), record.of(seen.pid, seen.start_ticks)
    base_id = epoch.base_id or (known.base_id if known else None)
    if base_id is None:  # it was written down before it had chosen one, or not at all
        base_id = _chosen(seen, base_id_file)
    epoch = Epoch(epoch.number, base_id)
    return Found(seen, epoch, known.program, known.bootstrap) if known else Found(seen, epoch)


def _chosen(seen: Seen, base_id_file: Path) -> int | None:
    """The base id that a first epoch chose: the last one to start wrote it down."""
    if str(base_id_file) not in seen.arguments:
        return None
    return read_base_id(base_id_file)


def read_base_id(base_id_file: Path) -> int | None:
    """None while there is none."""
    with suppress(OSError, UnicodeDecodeError):
        if re.fullmatch(r"[0-9]{1,10}", written := base_id_file.read_text("ascii").strip()):
            return int(written)
    return None


def _age(found: Found) -> tuple[int, int]:
    return found.seen.start_ticks, found.seen.pid
