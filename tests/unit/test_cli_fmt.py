"""`fairlead fmt` on files: what it writes, what it leaves, what it says."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from api.cli import replacing
from api.cli.main import main
from snapshots.authoring.limits import FILE_LIMIT_BYTES

UNTIDY, TIDY = "b:\n    - 1   # one\n", "b:\n- 1  # one\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n   name: x\ndata:\n   tls.key: Y2FuYXJ5\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_are_written_in_one_step_and_keep_their_mode(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.yaml").write_text(UNTIDY)
    (here / "a.yaml").chmod(0o640)
    (here / "b.yaml").write_text(TIDY)
    assert main(["fmt"]) == 0
    assert (here / "a.yaml").read_text() == TIDY
    assert (here / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in here.iterdir()) == ["a.yaml", "b.yaml"]
    said = capsys.readouterr()
    assert (said.out, said.err) == ("a.yaml\n", "1 file of 2 changed\n")
    assert main(["fmt"]) == 0
    assert capsys.readouterr().out == ""


def test_check_and_diff_write_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.yaml").write_text(UNTIDY)
    assert main(["fmt", "--check"]) == 1
    assert capsys.readouterr().out == "a.yaml\n"
    assert main(["fmt", "--diff"]) == 0
    assert "-    - 1   # one\n+- 1  # one\n" in capsys.readouterr().out
    assert main(["fmt", "--diff", "--check"]) == 1
    assert (here / "a.yaml").read_text() == UNTIDY
    (here / "a.yaml").write_text(TIDY)
    assert main(["fmt", "--check"]) == 0


def test_json_lists_every_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.yaml").write_text(UNTIDY)
    (here / "b.yaml").write_text(TIDY)
    assert main(["fmt", "--check", "-o", "json"]) == 1
    files = [{"path": "a.yaml", "changed": True}, {"path": "b.yaml", "changed": False}]
    assert json.loads(capsys.readouterr().out) == {"files": files, "findings": []}


def test_a_file_that_is_no_yaml_is_told_and_the_others_are_formatted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(UNTIDY)
    (here / "broken.yaml").write_text("a: [\n")
    assert main(["fmt"]) == 3
    assert (here / "a.yaml").read_text() == TIDY
    assert (here / "broken.yaml").read_text() == "a: [\n"
    assert "broken.yaml:2:1 error E0101 " in capsys.readouterr().err


def test_a_file_that_may_not_be_written_is_not_replaced(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(UNTIDY)
    monkeypatch.setattr(replacing.os, "access", lambda *_: False)  # to root everything may be written
    assert main(["fmt"]) == 3
    assert "a.yaml: Permission denied" in capsys.readouterr().err
    assert (here / "a.yaml").read_text() == UNTIDY


def test_links_are_not_followed_and_not_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = here / "outside"
    outside.mkdir()
    (outside / "real.yaml").write_text(UNTIDY)
    inside = here / "inside"
    inside.mkdir()
    (inside / "own.yaml").write_text(UNTIDY)
    (inside / "link.yaml").symlink_to("own.yaml")
    assert main(["fmt", "inside"]) == 0
    assert (inside / "link.yaml").is_symlink()
    assert (inside / "own.yaml").read_text() == TIDY
    (inside / "out.yaml").symlink_to(outside / "real.yaml")
    assert main(["fmt", "inside"]) == 3
    capsys.readouterr()
    assert main(["fmt", "inside/out.yaml"]) == 0
    assert "is a symbolic link, and left as it is" in capsys.readouterr().err
    assert (outside / "real.yaml").read_text() == UNTIDY


@pytest.mark.parametrize("arguments", [["nowhere"], ["nowhere.yaml", "."]])
def test_a_path_that_is_not_there_ends_with_3(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", *arguments]) == 3
    assert "E0701" in capsys.readouterr().err


def test_standard_input_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "-", "a.yaml"]) == 2
    assert "stands alone" in capsys.readouterr().err


@pytest.mark.parametrize("what", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_leaves_the_file_and_no_other(
    here: Path, what: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "a.yaml").write_text(UNTIDY)

    def full(_descriptor: int) -> None:
        raise OSError(what, os.strerror(what))

    monkeypatch.setattr(replacing.os, "fsync", full)
    assert main(["fmt"]) == 3
    assert os.strerror(what) in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in here.iterdir()] == [("a.yaml", UNTIDY)]


def test_a_file_that_changes_meanwhile_is_left_as_it_is(here: Path) -> None:
    (here / "a.yaml").write_text("somebody else was here\n")
    with pytest.raises(replacing.InvalidConfig, match="has changed meanwhile"):
        replacing.replace_file(here / "a.yaml", UNTIDY.encode(), TIDY.encode())
    assert (here / "a.yaml").read_text() == "somebody else was here\n"


def test_no_secret_is_in_a_diff(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.yaml").write_text(SECRET)
    assert main(["fmt", "--diff"]) == 0
    said = capsys.readouterr().out
    assert "+  tls.key: (sensitive)\n" in said
    assert "Y2FuYXJ5" not in said


def test_a_file_that_is_too_large_or_no_file_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "big.yaml").write_text("#" * (FILE_LIMIT_BYTES + 1))
    os.mkfifo(here / "pipe.yaml")
    assert main(["fmt"]) == 3
    said = capsys.readouterr().err
    assert "E0601" in said
    assert "E0703" in said
