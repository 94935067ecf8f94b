"""Power that fails between any two steps: what is used afterwards is the old generation or the new one, and once it was
said that the new one is good, the new one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agents.node.generations import store as storing
from agents.node.generations.floor import Floor
from api.hosting import durable
from tests.generations import MADE_AT_S, a_store, contents, files, good, revision_in
from tests.power_cuts import Files, PowerCuts, fail_under

OLD, NEW = 4, 5


def used_of(left: Files) -> int | None:
    """The revision that an agent would start with, on what a cut has left."""
    with TemporaryDirectory() as directory:
        for name, data in left.items():
            Path(directory, name).write_bytes(data)
            Path(directory, name).chmod(0o600)
        search = a_store(Path(directory)).newest_good()
        assert not [each for each in search.unusable if each.file_name.endswith(".good")], "never a partial one"
        return revision_in(search)


class Cuts:
    """Every cut so far, as the revisions that could be used after it."""

    def __init__(self) -> None:
        self.used: list[set[int | None]] = []

    def look(self, left: list[Files]) -> None:
        self.used.append({used_of(files) for files in left})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for revision in range(1, OLD + 1):
        good(a_store(tmp_path), revision)
    return tmp_path


def a_disk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cuts, PowerCuts]:
    cuts = Cuts()
    disk = PowerCuts(directory, cuts.look)
    fail_under(monkeypatch, disk, durable, storing)
    return cuts, disk


def test_a_new_generation(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(directory)
    cuts, disk = a_disk(directory, monkeypatch)
    number = store.write(contents(NEW), MADE_AT_S).number
    assert cuts.used == [{OLD}] * len(cuts.used)
    assert len(cuts.used) >= 4
    written = len(cuts.used)

    store.promote(number)
    renamed, *others = cuts.used[written:]
    assert renamed == {OLD, NEW}, "the name is not on the disk yet"
    assert others == [{NEW}] * len(others)
    assert {used_of(left) for left in disk.left()} == {NEW}
    assert files(directory) == ["000003.good", "000004.good", "000005.good"]


def test_a_rejected_one_stays_rejected(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good(a_store(directory), NEW)
    store = a_store(directory)
    cuts, disk = a_disk(directory, monkeypatch)
    store.reject(NEW)
    assert cuts.used[0] == {OLD, NEW}
    assert {used_of(left) for left in disk.left()} == {OLD}


def test_one_candidate_after_another(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store(directory)
    cuts, disk = a_disk(directory, monkeypatch)
    for revision in (NEW, NEW + 1, NEW + 2):
        store.write(contents(revision), MADE_AT_S)
    assert cuts.used == [{OLD}] * len(cuts.used)
    assert {used_of(left) for left in disk.left()} == {OLD}


def test_a_floor_is_the_old_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "floor.json"
    floor = Floor(path)
    floor.raise_to("edges", OLD)
    seen: list[set[int]] = []

    def floors_of(left: list[Files]) -> set[int]:
        found = set()
        for each in left:
            with TemporaryDirectory() as directory:
                for name, data in each.items():
                    Path(directory, name).write_bytes(data)
                found.add(Floor(Path(directory, "floor.json")).of("edges", otherwise=-1))
        return found

    disk = PowerCuts(tmp_path, lambda left: seen.append(floors_of(left)))
    fail_under(monkeypatch, disk, durable)
    floor.raise_to("edges", NEW)
    assert seen[0] == {OLD}
    assert {OLD, NEW} in seen
    assert all(each <= {OLD, NEW} for each in seen)
    assert floors_of(list(disk.left())) == {NEW}
