"""The Envoy processes of one agent by their number in `life`: started, found again, signalled, and written down.

It knows epochs and base ids, and nothing of when what should happen.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.node.envoy import hot_restart
from agents.node.envoy.adoption import read_base_id, running
from agents.node.envoy.child import Child
from agents.node.envoy.command import Call, Epoch
from agents.node.envoy.decisions import How
from agents.node.envoy.processes import age_s
from agents.node.envoy.record import Record, Recorded, read_record, write_record
from api.hosting.envoy_program import Program

_SIGNALS = {How.END: signal.SIGTERM, How.ABORT: signal.SIGABRT, How.KILL: signal.SIGKILL}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Envoy should run with. Two that are equal need no restart."""

    program: Program
    binary: str  # which file the program is: it may be replaced under its name
    bootstrap: str  # the digest of what its file holds

    @classmethod
    def of(cls, program: Program, bootstrap: str) -> Wanted:
        """Raises OSError."""
        found = program.path.stat()
        return cls(program, f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}", bootstrap)


@dataclass(frozen=True, slots=True)
class Member:
    """One process. `binary` and `bootstrap` as of its start; empty where nobody knows."""

    child: Child
    epoch: Epoch
    binary: str
    bootstrap: str
    adopted: bool = False

    @property
    def age_s(self) -> float:
        return age_s(self.child.start_ticks)

    def runs(self, wanted: Wanted) -> bool:
        """Whether it was started with that; one of which nothing is known is not taken to be."""
        return (self.binary, self.bootstrap) == (wanted.binary, wanted.bootstrap)


@dataclass(slots=True)
class Family:
    """`directory` is the agent's own for Envoy: bootstrap, record, base id and log are there."""

    call: Call
    record_file: Path
    log: Path
    admin: str
    members: dict[int, Member] = field(default_factory=dict)

    def adopt(self) -> tuple[int, str]:
        """Take over what runs already, as number 1 and on: how many, and what was wrong with the record."""
        record, wrong = read_record(self.record_file)
        for found in running(self.call.bootstrap, record, self.call.base_id_file):
            if (child := Child.adopt(found.seen)) is not None:
                member = Member(child, found.epoch, found.program, found.bootstrap, adopted=True)
                self.members[len(self.members) + 1] = member
        self.write_down()
        return len(self.members), wrong

    def start(self, number: int, wanted: Wanted) -> Member:
        """Afresh. Raises OSError."""
        hot = self.call.may_be_hot and hot_restart.available() and self._can_learn_base_id()
        command = self.call.first(wanted.program.path, hot=hot)
        return self._started(number, command, Epoch(), wanted)

    def start_next(self, number: int, before: int, wanted: Wanted, version: str) -> Member:
        """To take over from number `before`, of hot restart version `version`. Raises OSError."""
        epoch = self.base_id_known(before).epoch
        assert epoch.base_id is not None
        hot_restart.clear_leftovers(epoch.base_id, version)
        following = Epoch(epoch.number + 1, epoch.base_id)
        return self._started(number, self.call.next(wanted.program.path, following), following, wanted)

    def base_id_known(self, number: int) -> Member:
        """The member, with the base id that it chose itself, if it has by now."""
        member = self.members[number]
        if member.epoch == Epoch() and not member.adopted and (chosen := read_base_id(self.call.base_id_file)):
            member = self.members[number] = replace(member, epoch=Epoch(0, chosen))
            self.write_down()
        return member

    def number_of(self, epoch: int, base_id: int) -> int | None:
        """Which process it is that says so of itself."""
        for number, member in self.members.items():
            if member.epoch.number == epoch and member.epoch.base_id in (base_id, None):
                return number
        return None

    def send(self, number: int, how: How) -> None:
        """Nothing happens where it is gone."""
        if (member := self.members.get(number)) is not None:
            member.child.send(_SIGNALS[how])

    async def ended(self, number: int) -> int | None:
        """Returns its status when it has; then it is no member any more."""
        status = await self.members[number].child.ended()
        member = self.base_id_known(number)
        del self.members[number]
        member.child.close()
        # Nobody else has this base id, which was chosen for being free.
        base_id = member.epoch.base_id
        if base_id is not None and all(each.epoch.base_id != base_id for each in self.members.values()):
            hot_restart.forget(base_id)
        self.write_down()
        return status

    def close(self) -> None:
        """Watch nobody any more. They live on."""
        for member in self.members.values():
            member.child.close()

    def write_down(self) -> None:
        """A disk that is full must not keep Envoy from running: the next agent finds it without."""
        processes = tuple(_recorded(each) for each in self.members.values())
        with suppress(OSError):
            write_record(Record(processes, self.admin), self.record_file)

    def _can_learn_base_id(self) -> bool:
        """What an Envoy before wrote is gone, and another can be written."""
        try:
            self.call.base_id_file.unlink(missing_ok=True)
        except OSError:
            return False
        return os.access(self.call.base_id_file.parent, os.W_OK)

    def _started(self, number: int, command: list[str], epoch: Epoch, wanted: Wanted) -> Member:
        binary = Wanted.of(wanted.program, wanted.bootstrap).binary  # as it is now: it may have been replaced
        child = Child.start(command, self.log)
        member = self.members[number] = Member(child, epoch, binary, wanted.bootstrap)
        self.write_down()
        return member


def _recorded(member: Member) -> Recorded:
    child, epoch = member.child, member.epoch
    return Recorded(child.pid, child.start_ticks, epoch.number, epoch.base_id, member.binary, member.bootstrap)
