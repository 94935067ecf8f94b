"""The directory of generations: written whole, promoted by a rename, verified whenever one is used.

One process writes here, one call at a time; all of it blocks on files. What cannot be written is told and costs
nothing that is there: the agent goes on without.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from agents.node.generations.baking import Done, Failed, Lost, Outcome, Promote, Transition, Write, Written
from agents.node.generations.file_form import Label, Vault
from agents.node.generations.file_names import FileName
from agents.node.generations.generation import Contents, IsSecret, Relate, Search, State, Summary, Unusable
from agents.node.generations.packing import Packed, file_parts, pack
from agents.node.generations.problems import Damaged, Gone, NotUsable, NotWritten
from agents.node.generations.reading import Owner, check_owner, files_in, read_generation, read_summary
from agents.node.generations.tending import surplus_good, surplus_others
from api.hosting.durable import rename_durably, sweep, write_durably
from xds.protocol.resource import Resource

OWNER_ONLY = 0o700


class Generations:
    """Generations of one node in one group. `problem` says why nothing can be written now; empty when it can.

    `relate` finds again what is derived from bodies, `is_secret` what must not be on the disk as it is: with a `vault`
    it is sealed, without one left out. `keep` good generations stay.
    """

    def __init__(
        self,
        directory: Path,
        owner: Owner,
        *,
        is_secret: IsSecret,
        relate: Relate,
        keep: int = 3,
        vault: Vault | None = None,
    ) -> None:
        self.directory = directory
        self.problem = ""
        self._owner = owner
        self._is_secret = is_secret
        self._relate = relate
        self._keep = keep
        self._vault = vault
        self._highest = 0

    def open(self) -> None:
        """Make the directory and sweep what a crash left. Never raises: `problem` tells."""
        with suppress(NotWritten), self._writing():
            self.directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
            sweep(self.directory)
            self._remove(surplus_others(files_in(self.directory)))

    def newest_good(self, *, before: int | None = None) -> Search:
        """The newest good generation that is whole, with a number below `before` if that is given.

        One whose secrets cannot be opened is the answer only where there is no other.
        """
        return self._search(("good",), before)

    def newest(self) -> Search:
        """The same among good ones and the candidate: for what upstream need not send again."""
        return self._search(("good", "candidate"), None)

    def hides(self, resource: Resource) -> bool:
        """Whether this must not be on the disk as it is."""
        return self._is_secret(resource)

    def write(self, contents: Contents, made_at_s: int) -> Summary:
        """Keep these contents as a candidate; the one before it goes. Contents that are kept already, as the newest
        good generation, as the candidate or as a rejected one, are not written again: that one is returned.

        Raises NotWritten.
        """
        packed = pack(contents, self._is_secret, self._vault)
        kept = self._kept_already(packed.content)
        return kept if kept is not None else self._write(packed, made_at_s)

    def promote(self, number: int) -> Summary:
        """Make a candidate good; the oldest good ones beyond those to keep go. Raises NotWritten, or Gone when there is
        no such candidate, or no longer what was written."""
        candidate, good = (FileName(number, state) for state in ("candidate", "good"))
        told = self._checked(candidate)
        if told is not None:
            with self._writing():
                rename_durably(self._path(candidate), self._path(good))
        told = told or self._checked(good)  # the name may have come without the directory being on the disk
        if told is None:
            raise Gone(f"generation {number} is not there any more, or damaged; it is written anew")
        self._prune()
        return replace(told, state="good")

    def reject(self, number: int) -> None:
        """Never use this generation again, be it a candidate or a good one. Raises NotWritten."""
        rejected = FileName(number, "rejected")
        for name in files_in(self.directory):
            if name.number == number and name.state in ("candidate", "good"):
                with self._writing():
                    rename_durably(self._path(name), self._path(rejected))
        self._remove(surplus_others(files_in(self.directory)))

    def carry_out(self, transition: Transition, contents: Contents | None, made_at_s: int) -> Outcome:
        """Do what `Baking` asks for; `contents` is what was held when it asked for a Write. Never raises NotWritten."""
        try:
            if isinstance(transition, Write):
                assert contents is not None
                summary = self.write(contents, made_at_s)
                return Written(summary.number, summary.state)
            if isinstance(transition, Promote):
                self.promote(transition.number)
            else:
                self.reject(transition.number)
        except Gone:
            return Lost()
        except NotWritten as error:
            return Failed(error.message)
        return Done()

    def _write(self, packed: Packed, made_at_s: int) -> Summary:
        names = files_in(self.directory)
        number = max(self._highest, *(name.number for name in names), 0) + 1
        name = FileName(number, "candidate")
        parts = file_parts(packed, Label(number, *self._owner, made_at_s))
        with self._writing():
            self.directory.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
            write_durably(self._path(name), parts)
        self._highest = number
        self._remove(surplus_others(files_in(self.directory)))
        told = self._checked(name)
        if told is None:
            raise NotWritten(f"{self._path(name)} is not what was written to it; the disk may be failing")
        return told

    def _kept_already(self, content: str) -> Summary | None:
        """A good one that is not the newest does not count: what is rolled back to has to become the newest."""
        seen: set[State] = set()
        for name in files_in(self.directory):
            if name.state in seen or name.state == "damaged":
                continue
            told = self._checked(name)
            if told is None:
                continue
            seen.add(name.state)
            # What was left out of a rejected one may have been what was wrong with it.
            if told.content == content and not (name.state == "rejected" and told.left_out_count):
                return told
        return None

    def _search(self, states: tuple[State, ...], before: int | None) -> Search:
        passed_over: list[Unusable] = []
        shut = None
        for name in files_in(self.directory):
            if name.state not in states or (before is not None and name.number >= before):
                continue
            try:
                found = read_generation(self.directory, name, self._owner, self._vault, self._relate)
            except NotUsable as error:
                passed_over.append(Unusable(str(name), self._passed_over(name, error)))
                continue
            if not found.sealed_shut:
                return Search(found, tuple(passed_over))
            passed_over.append(Unusable(str(name), f"{self._path(name)}: {found.sealed_shut}"))
            shut = shut or found
        return Search(shut, tuple(passed_over))

    def _checked(self, name: FileName) -> Summary | None:
        """What a generation of this node says of itself, verified; None for all others."""
        try:
            told = read_summary(self.directory, name)
            check_owner(told, self._owner)
        except NotUsable as error:
            self._passed_over(name, error)
            return None
        return told

    def _passed_over(self, name: FileName, error: NotUsable) -> str:
        """Set aside what nobody can ever use. Returns what to tell people."""
        told = f"{self._path(name)} is not used: {error.message}"
        if not isinstance(error, Damaged):
            return told
        aside = name.as_state("damaged")
        with suppress(OSError):  # it is passed over all the same
            os.replace(self._path(name), self._path(aside))
            self._remove(surplus_others(files_in(self.directory)))
            told += f"; it was set aside as {aside}, for you to look at or to remove"
        return told

    def _prune(self) -> None:
        names = files_in(self.directory)
        valid = {name for name in names if name.state == "good" and self._checked(name) is not None}
        names = files_in(self.directory)
        self._remove([*surplus_good(names, valid, self._keep), *surplus_others(names)])

    def _remove(self, names: Iterable[FileName]) -> None:
        for name in names:
            with suppress(OSError):  # what stays is surplus the next time, too
                os.unlink(self._path(name))

    def _path(self, name: FileName) -> Path:
        return self.directory / str(name)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problem = (
                f"cannot write generations to {self.directory}: {error.strerror or error}; the gateway goes on, but"
                " started without its servers it would serve an older one; mend the disk, it is tried again by itself"
            )
            raise NotWritten(self.problem) from error
        self.problem = ""
