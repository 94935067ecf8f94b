"""What holds a gateway to its last good content, what ends that, and how the disk keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.node.generations.generation import ResourceName
from agents.node.generations.pin import UNKNOWN, Pin, suspects_of
from agents.node.generations.pin_file import PinFile
from agents.node.generations.problems import NotWritten
from agents.node.generations.reading import Owner
from xds.protocol.types import CLUSTER, LISTENER, SECRET

WEB, CARTS, MAIN = (ResourceName(CLUSTER, "web"), ResourceName(CLUSTER, "carts"), ResourceName(LISTENER, "main"))
PAIR = ResourceName(SECRET, "pair")
GOOD = {WEB: "1", MAIN: "1"}
BAD = {WEB: "2", CARTS: "1"}
PIN = Pin("crashed twice", suspects_of(BAD, GOOD))
OWNER = Owner("edge-1", "edge")


def test_what_was_added_changed_or_removed_is_suspected() -> None:
    assert PIN.suspects == {WEB: "2", CARTS: "1", MAIN: None}


@pytest.mark.parametrize(
    ("told", "is_over"),
    [
        ({WEB: "2"}, False),
        ({CARTS: "1", MAIN: None}, False),
        ({ResourceName(CLUSTER, "other"): "9"}, False),
        ({}, False),
        ({WEB: "3"}, True),  # mended
        ({WEB: "1"}, True),  # put back
        ({WEB: None}, True),
        ({CARTS: None}, True),
        ({MAIN: "1"}, True),
        ({ResourceName(CLUSTER, "other"): "9", MAIN: "2"}, True),
    ],
)
def test_it_holds_until_upstream_has_a_suspect_otherwise(told: dict[ResourceName, str | None], is_over: bool) -> None:
    assert PIN.ended_by(told) is is_over


def test_people_are_told_who_is_suspected_and_what_ends_it() -> None:
    assert PIN.words == (
        "crashed twice; suspected: cluster/carts, cluster/web, listener/main; this holds until the control plane has"
        " one of these otherwise, or an operator restarts Envoy"
    )


def test_what_the_disk_does_not_know_is_as_it_is_told_first() -> None:
    held = Pin("crashed", {PAIR: UNKNOWN, WEB: "2"})
    assert not held.ended_by({PAIR: "7"})
    held = held.knowing({PAIR: "7"})
    assert not held.ended_by({PAIR: "7"})
    assert held.ended_by({PAIR: "8"})


def test_the_disk_keeps_it_without_the_digests_of_secrets(tmp_path: Path) -> None:
    file = PinFile(tmp_path / "pinned.json", OWNER)
    assert file.read() is None
    pin = Pin("crashed", {**PIN.suspects, PAIR: "digest"})
    file.write(pin, [PAIR])
    assert file.read() == Pin("crashed", {**PIN.suspects, PAIR: UNKNOWN})
    assert "digest" not in (tmp_path / "pinned.json").read_text()
    file.forget()
    assert (file.read(), file.damage) == (None, "")


def test_what_is_damaged_or_of_another_node_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "pinned.json"
    PinFile(path, OWNER).write(PIN, ())
    whole = path.read_bytes()
    for spoilt in (whole[:-9], whole.replace(b'"2"', b'"3"'), b"", b"[]", b'{"pin": 1, "sha256": 2}'):
        path.write_bytes(spoilt)
        file = PinFile(path, OWNER)
        assert file.read() is None
        assert "is not what this agent wrote" in file.damage
    path.write_bytes(whole)
    assert PinFile(path, Owner("edge-2", "edge")).read() is None
    assert PinFile(path, OWNER).read() == PIN


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="mend the disk"):
        PinFile(tmp_path / "none" / "pinned.json", OWNER).write(PIN, ())
