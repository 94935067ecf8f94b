"""Reading documents from disk and stdin: what is read, what is refused, and that nothing hangs or escapes."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest

from api.errors import InvalidConfig
from snapshots.authoring import regular_files, walking
from snapshots.authoring.files import read_documents
from snapshots.authoring.limits import FILE_LIMIT_BYTES


def write(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return directory


def names(*paths: Path) -> list[str]:
    return [document.path for document in read_documents(paths)]


def refusals(*paths: Path) -> list[tuple[str, str]]:
    with pytest.raises(InvalidConfig) as caught:
        read_documents(paths)
    return [(finding.path, finding.code) for finding in caught.value.findings]


def test_directory_is_read_with_paths_relative_to_it(tmp_path: Path) -> None:
    write(
        tmp_path, "fairlead.yaml", "routes/b.yml", "routes/a.yaml", "routes/deep/er/c.yaml", "README.md", "a.yaml.bak"
    )
    assert names(tmp_path) == ["fairlead.yaml", "routes/a.yaml", "routes/b.yml", "routes/deep/er/c.yaml"]
    assert read_documents([tmp_path])[0].content == b"# fairlead.yaml\n"


def test_hidden_files_and_directories_are_left_out(tmp_path: Path) -> None:
    assert names(write(tmp_path, "a.yaml", ".b.yaml", ".git/c.yaml", "d/.e/f.yaml")) == ["a.yaml"]


def test_several_paths_are_relative_to_what_they_share_and_each_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "fairlead.yaml", "routes/a.yaml", "other/b.yaml")
    assert names(tmp_path / "fairlead.yaml", tmp_path / "routes") == ["fairlead.yaml", "routes/a.yaml"]
    assert names(tmp_path / "routes", tmp_path / "other") == ["other/b.yaml", "routes/a.yaml"]
    assert names(tmp_path, tmp_path / "routes" / "a.yaml", tmp_path) == [
        "fairlead.yaml",
        "other/b.yaml",
        "routes/a.yaml",
    ]


def test_file_named_by_hand_may_be_called_anything_and_be_a_link(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/a.conf", "here/x.yaml")
    (tmp_path / "here" / "link").symlink_to("../elsewhere/a.conf")
    assert names(tmp_path / "elsewhere" / "a.conf") == ["a.conf"]
    assert names(tmp_path / "here" / "link") == ["link"]


def test_empty_directory_has_no_documents(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_stdin_is_a_document_like_others() -> None:
    (document,) = read_documents([Path("-")], stdin=io.BytesIO(b"a: 1\n"))
    assert (document.path, document.content) == ("<stdin>", b"a: 1\n")
    with pytest.raises(InvalidConfig) as caught:
        read_documents([Path("-")], stdin=io.BytesIO(b"x" * (FILE_LIMIT_BYTES + 1)))
    assert [finding.code for finding in caught.value.findings] == ["E0601"]


def test_link_inside_the_directory_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "..data/a.yaml")  # as Kubernetes mounts a ConfigMap
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    assert names(tmp_path) == ["a.yaml"]


def test_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "secret.yaml", "top/a.yaml", "top2/b.yaml")
    (tmp_path / "top" / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "top" / "near.yaml").symlink_to(tmp_path / "top2" / "b.yaml")
    (tmp_path / "top" / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "top" / "dangling.yaml").symlink_to("gone.yaml")
    (tmp_path / "top" / "up").symlink_to("..")
    assert refusals(tmp_path / "top") == [
        ("dangling.yaml", "E0701"),
        ("loop.yaml", "E0702"),
        ("near.yaml", "E0704"),
        ("out.yaml", "E0704"),
        ("up", "E0704"),
    ]


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    server = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)
    server.bind("socket.yaml")  # a whole path may be longer than the name of a socket
    (tmp_path / "b.yaml").symlink_to("pipe.yaml")
    assert [code for _, code in refusals(tmp_path)] == ["E0703", "E0703", "E0702"]
    assert refusals(tmp_path / "pipe.yaml") == [("pipe.yaml", "E0703")]
    assert [code for _, code in refusals(Path("/dev/zero"))] == ["E0703"]
    server.close()


def test_missing_and_unreadable_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    assert refusals(tmp_path / "gone.yaml")[0][1] == "E0701"

    def refuse(path: str, *_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(regular_files.os, "open", refuse)
    assert refusals(tmp_path) == [("a.yaml", "E0702"), ("b.yaml", "E0702")]


def test_file_that_vanishes_between_listing_and_reading_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    listed = walking.listed

    def list_then_remove(directory: str) -> tuple[list[str], list[str]]:
        entries = listed(directory)
        (tmp_path / "a.yaml").unlink()
        return entries

    monkeypatch.setattr(walking, "listed", list_then_remove)
    assert refusals(tmp_path) == [("a.yaml", "E0701")]


def test_large_file_and_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.yaml").write_bytes(b"#" * (FILE_LIMIT_BYTES + 1))
    assert refusals(tmp_path) == [("large.yaml", "E0601")]
    (tmp_path / "large.yaml").write_bytes(b"#" * FILE_LIMIT_BYTES)
    assert names(tmp_path) == ["large.yaml"]
    monkeypatch.setattr(walking, "FILES_LIMIT", 2)
    assert refusals(write(tmp_path, "a.yaml", "b/c.yaml")) == [(".", "E0705")]


def test_names_that_would_garble_a_terminal_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\n.yaml").write_text("")
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.yaml", os.O_CREAT | os.O_WRONLY))
    assert sorted(refusals(tmp_path)) == [("\\udcff.yaml", "E0706"), ("a\\x1b[31m\\n.yaml", "E0706")]


def test_directory_deeper_than_the_stack_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    depth = 1200
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("a.yaml").touch()
    try:
        assert [name.count("/") for name in names(tmp_path)] == [depth]
    finally:  # nor is it too deep to be removed
        os.unlink("a.yaml")
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")
