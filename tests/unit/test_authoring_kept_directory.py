"""A directory that is kept: what is read again, what is not, and that it is the same as reading all of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import InvalidConfig
from snapshots.authoring import kept_directory
from snapshots.authoring.files import read_documents
from snapshots.authoring.kept_directory import KeptDirectory
from snapshots.model import Document


def write(path: Path, text: str = "a: 1\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def names(kept: KeptDirectory) -> list[str]:
    return [document.path for document in kept.documents()]


def refusals(kept: KeptDirectory) -> list[tuple[str, str]]:
    with pytest.raises(InvalidConfig) as caught:
        kept.documents()
    return [(finding.path, finding.code) for finding in caught.value.findings]


def a_directory(top: Path, *files: str) -> KeptDirectory:
    for each in files:
        write(top / each, f"# {each}\n")
    kept = KeptDirectory(top)
    kept.look([kept.top])
    return kept


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read from now on."""
    found: list[str] = []
    read = kept_directory.document_at

    def note(absolute: str, name: str, within: str) -> object:
        found.append(name)
        return read(absolute, name, within)

    monkeypatch.setattr(kept_directory, "document_at", note)
    monkeypatch.setattr(kept_directory, "_CLOCK_TICK_NS", 0)
    return found


def test_only_the_file_told_of_is_read_and_the_others_stay_the_same_objects(tmp_path: Path, reads: list[str]) -> None:
    kept = a_directory(tmp_path, "a.yaml", "b/c.yaml", "d.yml")
    before = kept.documents()
    reads.clear()

    assert kept.look([write(tmp_path / "b/c.yaml", "new: 1\n")])

    after = kept.documents()
    assert reads == ["b/c.yaml"]
    assert after[1].content == b"new: 1\n"
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[0] is before[0]
    assert after[2] is before[2]


def test_a_file_saved_as_it_was_is_no_change(tmp_path: Path) -> None:
    kept = a_directory(tmp_path, "a.yaml")
    (before,) = kept.documents()

    assert not kept.look([write(tmp_path / "a.yaml", "# a.yaml\n")])
    assert kept.documents()[0] is before


def test_a_look_at_the_whole_reads_what_looks_otherwise_only(tmp_path: Path, reads: list[str]) -> None:
    kept = a_directory(tmp_path, "a.yaml", "b.yaml")
    reads.clear()

    assert not kept.look([kept.top])
    assert reads == []

    write(tmp_path / "b.yaml", "longer than before: 1\n")
    write(tmp_path / "c/d.yaml")
    assert kept.look([kept.top])
    assert sorted(reads) == ["b.yaml", "c/d.yaml"]
    assert names(kept) == ["a.yaml", "b.yaml", "c/d.yaml"]


def test_a_file_that_was_just_written_is_read_again_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_directory, "_CLOCK_TICK_NS", 10**18)
    kept = a_directory(tmp_path, "a.yaml")
    looks = os.stat(tmp_path / "a.yaml")
    write(tmp_path / "a.yaml", "# b.yaml\n")
    os.utime(tmp_path / "a.yaml", ns=(looks.st_atime_ns, looks.st_mtime_ns))

    assert kept.look([kept.top])
    assert kept.documents()[0].content == b"# b.yaml\n"


def test_files_and_directories_come_go_and_turn_into_one_another(tmp_path: Path) -> None:
    kept = a_directory(tmp_path, "a.yaml", "b/c.yaml", "b/d/e.yaml")

    shutil.move(tmp_path / "b", tmp_path / "z")
    assert kept.look([str(tmp_path / "b"), str(tmp_path / "z")])
    assert names(kept) == ["a.yaml", "z/c.yaml", "z/d/e.yaml"]

    (tmp_path / "a.yaml").unlink()
    write(tmp_path / "a.yaml/inner.yaml")
    assert kept.look([str(tmp_path / "a.yaml")])
    assert names(kept) == ["a.yaml/inner.yaml", "z/c.yaml", "z/d/e.yaml"]

    shutil.rmtree(tmp_path / "a.yaml")
    assert kept.look([write(tmp_path / "a.yaml")])
    assert names(kept) == ["a.yaml", "z/c.yaml", "z/d/e.yaml"]

    shutil.rmtree(tmp_path / "z")
    assert kept.look([str(tmp_path / "z" / "d"), str(tmp_path / "z")])
    assert names(kept) == ["a.yaml"]


def test_what_is_of_no_interest_is_no_change(tmp_path: Path) -> None:
    kept = a_directory(tmp_path, "a.yaml")
    assert not kept.look([write(tmp_path / "notes.txt"), write(tmp_path / "4913"), str(tmp_path / "never-was")])
    assert names(kept) == ["a.yaml"]


def test_what_cannot_be_read_is_a_finding_until_it_can(tmp_path: Path) -> None:
    kept = a_directory(tmp_path, "a.yaml")
    (tmp_path / "b.yaml").symlink_to("gone.yaml")
    (tmp_path / "up").symlink_to("..")

    assert kept.look([str(tmp_path / "b.yaml"), str(tmp_path / "up")])
    assert refusals(kept) == [("b.yaml", "E0701"), ("up", "E0704")]
    assert not kept.look([kept.top])

    write(tmp_path / "gone.yaml")
    (tmp_path / "up").unlink()
    assert kept.look([str(tmp_path / "gone.yaml"), str(tmp_path / "up")])
    assert names(kept) == ["a.yaml", "b.yaml", "gone.yaml"]


def test_links_are_looked_at_whatever_is_told_of(tmp_path: Path) -> None:
    write(tmp_path / "..one/a.yaml", "one: 1\n")  # as Kubernetes mounts a ConfigMap, and changes it
    write(tmp_path / "..two/a.yaml", "two: 2\n")
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    kept = a_directory(tmp_path)

    (tmp_path / "..next").symlink_to("..two")
    (tmp_path / "..next").rename(tmp_path / "..data")
    assert kept.look([])
    assert kept.documents() == (Document("a.yaml", b"two: 2\n"),)
    (tmp_path / "a.yaml").unlink()
    assert kept.look([])
    assert kept.documents() == ()


def test_the_directory_itself_may_go_and_come_back(tmp_path: Path) -> None:
    top = tmp_path / "top"
    kept = a_directory(top, "a.yaml", "b/c.yaml")

    shutil.rmtree(top)
    assert kept.look([kept.top])
    assert refusals(kept) == [(".", "E0701")]
    assert not kept.look([kept.top])

    write(top / "d.yaml")
    assert kept.look([kept.top])
    assert names(kept) == ["d.yaml"]


def test_every_directory_is_told_of_before_it_is_listed(tmp_path: Path) -> None:
    for each in ("a.yaml", "b/c/d.yaml", ".hidden/e.yaml"):
        write(tmp_path / each)
    entered: list[str] = []
    kept = KeptDirectory(tmp_path, entered.append)
    kept.look([kept.top])
    assert sorted(entered) == [str(tmp_path), str(tmp_path / "b"), str(tmp_path / "b/c")]


PATHS = st.sampled_from(["a.yaml", "b.yml", "c/a.yaml", "c/d/e.yaml", "c.yaml/f.yaml", "x.txt", ".h/a.yaml"])


def _put(top: Path, name: str, text: str) -> None:
    if any(parent.is_file() for parent in (top / name).parents) or (top / name).is_dir():
        return
    write(top / name, text)


def _remove(top: Path, name: str, _: str) -> None:
    shutil.rmtree(top / Path(name).parts[0], ignore_errors=True)
    (top / Path(name).parts[0]).unlink(missing_ok=True)


STEPS: list[Callable[[Path, str, str], None]] = [_put, _put, _remove]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), PATHS, st.sampled_from(["1", "2", "33"])), max_size=12))
def test_whatever_happens_it_holds_what_a_new_reading_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Callable[[Path, str, str], None], str, str]]
) -> None:
    top = tmp_path_factory.mktemp("top")
    kept = a_directory(top)
    for step, name, text in steps:
        step(top, name, text)
        kept.look([str(top / Path(name).parts[0])])  # where the kernel tells of it, at the top at least
        assert kept.documents() == read_documents([top])
