"""Which entries of a git tree are documents, which are refused, and which are nobody's business."""

from __future__ import annotations

import pytest

from agents.gitops.trees import NoSuchDirectory, TreeEntry, TreeReader

FILE, EXECUTABLE, LINK, MODULE, DIRECTORY, DEVICE = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000, 0o020666


class Trees:
    """Trees by id, and which of them were read."""

    def __init__(self, **trees: list[tuple[bytes, int, str]]) -> None:
        self.trees, self.read = trees, list[str]()

    def tree(self, object_id: str) -> list[TreeEntry]:
        self.read.append(object_id)
        return [TreeEntry(*entry) for entry in self.trees[object_id]]

    def reader(self) -> TreeReader:
        return TreeReader(self.tree, lambda blob: 10**9 if blob == "huge" else 10)


def test_documents_are_regular_yaml_files_at_any_depth() -> None:
    trees = Trees(
        root=[
            (b"a.yaml", FILE, "1"),
            (b"b.yml", EXECUTABLE, "2"),
            (b"README.md", FILE, "3"),
            (b".github", DIRECTORY, "never"),
            (b".hidden.yaml", FILE, "4"),
            (b"link-to-words", LINK, "5"),
            (b"sub", DIRECTORY, "sub"),
            (b"A.yaml", FILE, "6"),
        ],
        sub=[(b"c.yaml", FILE, "7")],
    )
    entries, findings = trees.reader().documents("root", "")
    assert [(entry.path, entry.blob) for entry in entries] == [
        ("A.yaml", "6"), ("a.yaml", "1"), ("b.yml", "2"), ("sub/c.yaml", "7"),
    ]  # fmt: skip
    assert findings == []


@pytest.mark.parametrize(
    ("name", "mode", "blob", "code"),
    [
        (b"link.yaml", LINK, "1", "E0704"),
        (b"module", MODULE, "1", "E0703"),
        (b"device.yaml", DEVICE, "1", "E0703"),
        (b"huge.yaml", FILE, "huge", "E0601"),
        (b"..", DIRECTORY, "1", "E0706"),
        (b"a/../../b.yaml", FILE, "1", "E0706"),
        (b"\x1b]0;x\x07.yaml", FILE, "1", "E0706"),
        (b"\xff.yaml", FILE, "1", "E0706"),
        (b"line\nbreak.yaml", FILE, "1", "E0706"),
    ],
)
def test_what_is_no_plain_document_is_told_with_its_path(name: bytes, mode: int, blob: str, code: str) -> None:
    trees = Trees(root=[(b"sub", DIRECTORY, "sub")], sub=[(name, mode, blob), (b"fine.yaml", FILE, "1")])
    entries, findings = trees.reader().documents("root", "")
    assert [entry.path for entry in entries] == ["sub/fine.yaml"]
    assert [finding.code for finding in findings] == [code]
    assert findings[0].path.startswith("sub/")
    assert findings[0].path.isprintable()


def test_only_directories_that_changed_are_read_again() -> None:
    trees = Trees(
        old=[(b"a", DIRECTORY, "a"), (b"b", DIRECTORY, "b1")],
        new=[(b"a", DIRECTORY, "a"), (b"b", DIRECTORY, "b2")],
        a=[(b"x.yaml", FILE, "1")],
        b1=[(b"y.yaml", FILE, "2")],
        b2=[(b"y.yaml", FILE, "3")],
    )
    reader = trees.reader()
    reader.documents("old", "")
    trees.read.clear()
    entries, _ = reader.documents("new", "")
    assert [(entry.path, entry.blob) for entry in entries] == [("a/x.yaml", "1"), ("b/y.yaml", "3")]
    assert trees.read == ["new", "b2"]


def test_a_directory_of_the_commit_is_followed_and_one_that_is_not_there_is_told() -> None:
    trees = Trees(
        root=[(b"production", DIRECTORY, "p"), (b"file", FILE, "f")], p=[(b"eu", DIRECTORY, "e")],
        e=[(b"x.yaml", FILE, "1")],
    )  # fmt: skip
    entries, _ = trees.reader().documents("root", "production/eu")
    assert [entry.path for entry in entries] == ["x.yaml"]
    for path in ("staging", "production/us", "file"):
        with pytest.raises(NoSuchDirectory):
            trees.reader().documents("root", path)


def test_directories_without_end_are_refused() -> None:
    trees = Trees(root=[(b"again", DIRECTORY, "root")])
    entries, findings = trees.reader().documents("root", "")
    assert entries == []
    assert [finding.code for finding in findings] == ["E0705"]
