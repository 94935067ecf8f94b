"""One process at a time in a directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.errors import InvalidConfig
from api.hosting.sole import sole

WORDS = {"taken": "somebody has it", "unwritable": "choose another"}


def test_a_directory_is_made_and_had_by_one_until_he_lets_go(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    with sole(directory, **WORDS):
        assert directory.stat().st_mode & 0o777 == 0o700
        with pytest.raises(InvalidConfig, match="somebody has it"), sole(directory, **WORDS):
            raise AssertionError("two have it")
    with sole(directory, **WORDS):
        pass


def test_a_directory_that_cannot_be_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InvalidConfig, match=r"cannot be written \(Not a directory\); choose another"),
        sole(tmp_path / "file" / "below", **WORDS),
    ):
        raise AssertionError("it is there")
