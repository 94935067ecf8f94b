"""Which files of a followed directory are held back, and as what."""

from __future__ import annotations

from api.errors import Finding
from snapshots.model import Document
from xds.server.held_back import held_back, wrong_paths

OLD = (Document("a", b"1"), Document("b", b"1"), Document("gone", b"1"))
NOW = (Document("a", b"2"), Document("b", b"2"), Document("new", b"1"))


def test_a_wrong_file_is_as_it_was_and_the_others_are_as_they_are() -> None:
    held = held_back(NOW, OLD, {"b"})
    assert [(each.path, each.content) for each in held.documents] == [("a", b"2"), ("b", b"1"), ("new", b"1")]
    assert (held.as_before, held.left_out) == (("b",), ())
    assert held.right == held.documents


def test_a_wrong_file_that_never_was_right_is_left_to_a_partial_publication() -> None:
    held = held_back(NOW, OLD, {"new"})
    assert held.documents == NOW
    assert held.left_out == ("new",)
    assert [each.path for each in held.right] == ["a", "b"]


def test_a_file_that_cannot_be_read_any_more_is_as_it_was() -> None:
    held = held_back(NOW[1:], OLD, {"a"})
    assert [(each.path, each.content) for each in held.documents] == [("a", b"1"), ("b", b"2"), ("new", b"1")]


def test_it_says_which() -> None:
    held = held_back(NOW, OLD, {"a", "new"})
    assert str(held) == "a as before, what is wrong in new left out"
    many = held_back((), [Document(str(number), b"") for number in range(7)], set("0123456"))
    assert str(many) == "0, 1, 2, 3, 4 and 2 more as before"


def test_only_errors_in_files_can_be_held_back() -> None:
    assert wrong_paths([Finding("E1", "", "a"), Finding("W1", "", "b", severity="warning")]) == {"a"}
    assert wrong_paths([Finding("E1", "", "a"), Finding("E2", "")]) == frozenset()
    assert wrong_paths([]) == frozenset()
