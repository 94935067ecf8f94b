"""The highest revision that was taken: it stays over a restart, and only people lower it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents.node.generations.floor import Floor
from agents.node.generations.problems import NotWritten


def test_the_highest_revision_counts_by_group(tmp_path: Path) -> None:
    path = tmp_path / "floor.json"
    floor = Floor(path)
    assert floor.of("edges", otherwise=0) == 0
    floor.raise_to("edges", 1842)
    floor.raise_to("edges", 1841)
    floor.raise_to("other", 3)
    for each in (floor, Floor(path)):
        assert (each.of("edges", otherwise=0), each.of("other", otherwise=0)) == (1842, 3)
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_nothing_is_known_the_newest_generation_counts(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "floor.json")
    assert floor.of("edges", otherwise=1840) == 1840
    assert floor.damage == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"floors":{"edges":9999},"sha256":"0"}',
        b'{"floors":{"edges":"9999"},"sha256":"0"}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_damaged_one_is_told_and_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "floor.json"
    path.write_bytes(data)
    floor = Floor(path)
    assert floor.of("edges", otherwise=1840) == 1840
    assert floor.damage.startswith(f"{path} is not used: it is not what an agent wrote; ")
    floor.raise_to("edges", 1841)
    assert Floor(path).of("edges", otherwise=0) == 1841


def test_what_people_want_forgotten_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "floor.json"
    Floor(path).raise_to("edges", 1842)
    Floor(path).forget("edges")
    assert Floor(path).of("edges", otherwise=1842) == 0
    Floor(path).raise_to("edges", 5)
    assert Floor(path).of("edges", otherwise=1842) == 5


def test_what_cannot_be_written_is_told_and_stands_until_the_end(tmp_path: Path) -> None:
    floor = Floor(tmp_path / "nowhere" / "floor.json")
    with pytest.raises(NotWritten, match=r"cannot write .*No such file"):
        floor.raise_to("edges", 7)
    assert floor.of("edges", otherwise=0) == 7
    os.mkdir(tmp_path / "nowhere")
    floor.raise_to("edges", 8)
    assert Floor(tmp_path / "nowhere" / "floor.json").of("edges", otherwise=0) == 8
