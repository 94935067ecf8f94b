"""What the agent writes down of the Envoy that it runs, for the agent after it. Never more than advice: see `adoption`.

One file, STATE/envoy/process.json, in one step. Without it the next agent finds Envoy all the same, and knows less.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from api.hosting.durable import write_durably


class Recorded(msgspec.Struct, frozen=True):
    """One process. `program` and `bootstrap` tell which binary and which bootstrap it was started with."""

    pid: int
    start_ticks: int
    epoch: int
    base_id: int | None
    program: str
    bootstrap: str


class Record(msgspec.Struct, frozen=True):
    """All processes, the oldest first, and where the newest is asked."""

    processes: tuple[Recorded, ...] = ()
    admin: str = ""

    def of(self, pid: int, start_ticks: int) -> Recorded | None:
        """What is known of that very process."""
        return next((each for each in self.processes if (each.pid, each.start_ticks) == (pid, start_ticks)), None)


def read_record(file: Path) -> tuple[Record, str]:
    """The record, and what is wrong with it: an empty one where the file is missing or damaged."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Record), ""
    except FileNotFoundError:
        return Record(), ""
    except OSError as error:
        return Record(), f"{file} cannot be read: {error.strerror or error}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Record(), f"{file} is damaged: {error}"


def write_record(record: Record, file: Path) -> None:
    """Raises OSError."""
    write_durably(file, [msgspec.json.encode(record)])
