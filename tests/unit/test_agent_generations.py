"""The directory of generations: what is kept, what is used, what is passed over, and what goes."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from agents.node.generations.baking import Done, Failed, Lost, Promote, Reject, Write, Written
from agents.node.generations.file_form import FORMAT, Label
from agents.node.generations.file_names import FileName, parsed
from agents.node.generations.generation import Contents, Generation, Relations, ResourceName, content_of
from agents.node.generations.packing import file_parts, pack
from agents.node.generations.problems import Gone
from agents.node.generations.reading import Owner
from agents.node.generations.store import Generations
from tests.builders import assignment, cluster, for_a_time, listener, on_demand
from tests.generations import MADE_AT_S, OWNER, a_store, contents, files, good, of_type_secret, revision_in, unrelated
from xds.protocol.catalogue import Catalogue
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, GroupName, TypeUrl


def found(store: Generations) -> Generation:
    search = store.newest_good()
    assert search.generation is not None
    return search.generation


def a_file(number: int, held: Contents, owner: Owner = OWNER) -> bytes:
    """A file with a right digest, whatever it says."""
    return b"".join(file_parts(pack(held, of_type_secret, None), Label(number, *owner, MADE_AT_S)))


def put(path: Path, data: bytes, mode: int = 0o600) -> None:
    path.write_bytes(data)
    path.chmod(mode)


def test_what_is_written_comes_back_as_it_was(tmp_path: Path) -> None:
    resources = (
        cluster("web"),
        on_demand(cluster("rare")),
        for_a_time(assignment("web")),
        Resource.of(CLUSTER, "ünïcode \udc80 and\nlines", b"x"),
        Resource.of(LISTENER, "empty", b""),
        Resource.of(LISTENER, "any bytes", bytes(range(256)) * 100),
    )
    held = Contents(7, resources, whole=(CLUSTER, LISTENER), absent=(ResourceName(ENDPOINT, "gone"),))
    store = a_store(tmp_path)
    summary = store.promote(store.write(held, MADE_AT_S).number)
    back = found(a_store(tmp_path))

    assert set(back.contents.resources) == set(resources)
    assert replace(back.contents, resources=resources) == held
    assert back.summary == summary
    assert (summary.node, summary.group, summary.revision, summary.made_at_s) == (*OWNER, 7, MADE_AT_S)
    assert (summary.resource_count, summary.left_out_count, summary.state) == (6, 0, "good")
    assert summary.size_bytes == (tmp_path / "000001.good").stat().st_size


def test_what_bodies_refer_to_is_found_by_whoever_loads(tmp_path: Path) -> None:
    good(a_store(tmp_path), 1, listener("in", route="shop"))
    needs = (Reference(CLUSTER, "web"),)
    store = Generations(
        tmp_path, OWNER, is_secret=of_type_secret, relate=lambda kind, body: Relations(needs, (f"{kind}{len(body)}",))
    )
    (resource,) = found(store).contents.resources
    assert resource.references == needs
    assert resource.aliases == (f"{LISTENER}{len(resource.body)}",)


def test_only_the_owner_can_look_at_it(tmp_path: Path) -> None:
    good(a_store(tmp_path / "deep" / "generations"), 1)
    assert (tmp_path / "deep" / "generations").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "deep" / "generations" / "000001.good").stat().st_mode & 0o777 == 0o600


def test_a_candidate_is_for_what_is_known_and_never_good(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.write(contents(1), MADE_AT_S)
    assert store.newest_good().generation is None
    assert revision_in(store.newest()) == 1
    good(store, 2)
    store.write(contents(3), MADE_AT_S)
    assert (revision_in(store.newest_good()), revision_in(store.newest())) == (2, 3)


def test_a_rejected_one_is_never_used_and_few_are_kept(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    for revision in (2, 3):
        store.reject(store.write(contents(revision), MADE_AT_S).number)
    assert (revision_in(store.newest_good()), revision_in(store.newest())) == (1, 1)
    assert files(tmp_path) == ["000001.good", "000003.rejected"]


def test_a_good_one_that_proved_bad_after_all_can_be_rejected(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    newer = good(store, 2)
    assert revision_in(store.newest_good(before=newer.number)) == 1
    store.reject(newer.number)
    assert revision_in(store.newest_good()) == 1


def test_some_good_ones_are_kept_and_numbers_only_grow(tmp_path: Path) -> None:
    store = a_store(tmp_path, keep=3)
    for revision in range(1, 6):
        good(store, revision)
    store.write(contents(6), MADE_AT_S)
    store.write(contents(7), MADE_AT_S)
    assert files(tmp_path) == ["000003.good", "000004.good", "000005.good", "000007.candidate"]
    store.reject(7)
    assert a_store(tmp_path).write(contents(8), MADE_AT_S).number == 8


def test_order_is_by_number_whatever_the_clock_says(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    for revision, made_at_s in ((1, MADE_AT_S), (2, MADE_AT_S - 3600), (3, 0)):
        store.promote(store.write(contents(revision), made_at_s).number)
        os.utime(tmp_path / f"{revision:06d}.good", (made_at_s, made_at_s))
    assert revision_in(store.newest_good()) == 3


def test_the_same_contents_are_not_written_again(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    first = store.write(contents(1, cluster("web"), cluster("api")), MADE_AT_S)
    assert store.write(contents(2, cluster("api"), cluster("web")), MADE_AT_S + 9) == first
    store.promote(first.number)
    told = a_store(tmp_path).write(contents(3, cluster("web"), cluster("api")), MADE_AT_S)
    assert (told.number, told.state) == (1, "good")
    store.reject(store.write(contents(4), MADE_AT_S).number)
    assert a_store(tmp_path).write(contents(4), MADE_AT_S).state == "rejected"
    assert files(tmp_path) == ["000001.good", "000002.rejected"]


def test_contents_of_an_older_good_one_are_written_again(tmp_path: Path) -> None:
    """What was rolled back to has to become the newest."""
    store = a_store(tmp_path)
    good(store, 1, cluster("web", "a"))
    good(store, 2, cluster("web", "b"))
    assert good(store, 3, cluster("web", "a")).number == 3


@pytest.mark.parametrize(
    "other",
    [
        Contents(1, (cluster("web", "b"),)),
        Contents(1, (on_demand(cluster("web")),)),
        Contents(1, (for_a_time(cluster("web")),)),
        Contents(1, (cluster("web"),), whole=(CLUSTER,)),
        Contents(1, ()),
    ],
)
def test_other_contents_are_other_contents(tmp_path: Path, other: Contents) -> None:
    store = a_store(tmp_path)
    first = store.write(Contents(1, (cluster("web"),)), MADE_AT_S)
    assert store.write(other, MADE_AT_S).content != first.content


def test_what_is_absent_makes_no_other_contents(tmp_path: Path) -> None:
    """Traffic asks for names at will, and would push every older generation out."""
    store = a_store(tmp_path)
    first = store.write(contents(1, cluster("web")), MADE_AT_S)
    asked = Contents(1, (cluster("web"),), absent=(ResourceName(ENDPOINT, "x"),))
    assert store.write(asked, MADE_AT_S) == first


def test_a_digest_of_all_that_is_held_follows_what_is_held() -> None:
    catalogue = Catalogue(GroupName("edges"))
    empty = content_of(catalogue)
    catalogue.load(1, [cluster("web")])
    first = content_of(catalogue)
    catalogue.advance(2, [(None, cluster("web", "b"))])
    second = content_of(catalogue)
    catalogue.advance(3, [(None, cluster("web"))])
    assert len({empty, first, second}) == 3
    assert content_of(catalogue) == first


def test_what_a_crash_left_is_swept_at_the_start(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    for name in (".000002.candidate.writing", "000003.candidate", "000004.candidate"):
        put(tmp_path / name, b"half")
    (tmp_path / "notes of mine.txt").write_text("stay")
    a_store(tmp_path)
    assert files(tmp_path) == ["000001.good", "000004.candidate", "notes of mine.txt"]


def test_a_damaged_one_is_set_aside_and_the_next_older_is_used(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    for revision in (1, 2, 3):
        good(store, revision)
    put(tmp_path / "000003.good", b"")
    search = a_store(tmp_path).newest_good()
    assert revision_in(search) == 2
    (passed_over,) = search.unusable
    assert passed_over.file_name == "000003.good"
    assert passed_over.why == (
        f"{tmp_path}/000003.good is not used: it is empty; it was set aside as 000003.damaged, for you to look at or"
        " to remove"
    )
    assert files(tmp_path) == ["000001.good", "000002.good", "000003.damaged"]
    assert store.newest_good().unusable == ()


def test_few_damaged_ones_are_kept(tmp_path: Path) -> None:
    store = a_store(tmp_path, keep=5)
    for revision in range(1, 6):
        good(store, revision)
        if revision > 1:
            put(tmp_path / f"{revision:06d}.good", b"?")
    assert revision_in(a_store(tmp_path).newest_good()) == 1
    assert files(tmp_path) == ["000001.good", "000004.damaged", "000005.damaged"]


def test_a_damaged_one_takes_no_place_of_those_that_are_kept(tmp_path: Path) -> None:
    store = a_store(tmp_path, keep=2)
    for revision in (1, 2):
        good(store, revision)
    put(tmp_path / "000002.good", b"?")
    good(store, 3)
    assert files(tmp_path) == ["000001.good", "000002.damaged", "000003.good"]


FIRST_LINE = b"fairlead generation %d " % FORMAT
DAMAGED = {
    "a file of something else": b"\x7fELF" * 100,
    "a first line without an end": FIRST_LINE,
    "a digest of nothing": FIRST_LINE + b"0" * 64 + b"\n",
    "another number": a_file(8, contents(9)),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_what_no_agent_wrote_here_is_set_aside(tmp_path: Path, data: bytes) -> None:
    good(a_store(tmp_path), 1)
    put(tmp_path / "000009.good", data)
    assert revision_in(a_store(tmp_path).newest_good()) == 1
    assert "000009.damaged" in files(tmp_path)


def with_header(data: bytes, **other: object) -> bytes:
    """The same file with another header, and a digest that is right."""
    _, header, rest = data.split(b"\n", 2)
    return with_digest(json.dumps({**json.loads(header), **other}).encode() + b"\n" + rest)


def with_index(data: bytes, index: bytes) -> bytes:
    """The same file with another index, and a header and digest that are right."""
    _, header, _index, rest = data.split(b"\n", 3)
    told = {**json.loads(header), "index_bytes": len(index)}
    return with_digest(json.dumps(told).encode() + b"\n" + index + rest)


def with_digest(rest: bytes) -> bytes:
    from hashlib import sha256

    return FIRST_LINE + sha256(rest).hexdigest().encode() + b"\n" + rest


WHOLE = a_file(9, contents(9))
HUGE = 10**15
ENTRY = [CLUSTER, "web", "0" * 16, HUGE, 0, False]
CRAFTED = {
    "a huge index": with_header(WHOLE, index_bytes=HUGE),
    "huge bodies": with_header(WHOLE, bodies_bytes=HUGE),
    "a huge sealed part": with_header(WHOLE, sealed_bytes=HUGE),
    "sizes that cancel out": with_header(WHOLE, index_bytes=HUGE, bodies_bytes=-HUGE),
    "sizes that are no numbers": with_header(WHOLE, index_bytes="9"),
    "a revision that is none": with_header(WHOLE, revision=True),
    "no owner": with_header(WHOLE, node=None),
    "a header that is a list": with_digest(b"[]\n"),
    "a header without an end": with_digest(b"{" * 100_000),
    "an index that is nested without end": with_index(WHOLE, b"[" * 100_000),
    "an index of nothing": with_index(WHOLE, b"{}\n"),
    "a huge body": with_index(
        WHOLE, json.dumps({"resources": [ENTRY], "whole": [], "left_out": [], "absent": [], "sealed": []}).encode()
    ),
    "no resources": with_index(WHOLE, b'{"resources":[7],"whole":[],"left_out":[],"absent":[],"sealed":[]}\n'),
    "bodies of other versions": with_digest(WHOLE.split(b"\n", 1)[1].replace(b"cluster web", b"cluster wob")),
}


@pytest.mark.parametrize("data", CRAFTED.values(), ids=CRAFTED)
def test_what_has_a_right_digest_and_says_nonsense_is_set_aside(tmp_path: Path, data: bytes) -> None:
    good(a_store(tmp_path), 1)
    put(tmp_path / "000009.good", data)
    search = a_store(tmp_path).newest_good()
    assert revision_in(search) == 1
    assert "000009.damaged" in files(tmp_path), search.unusable


def test_a_file_that_says_it_is_larger_than_any_is_not_read(tmp_path: Path) -> None:
    good(a_store(tmp_path), 1)
    put(tmp_path / "000009.good", WHOLE)
    os.truncate(tmp_path / "000009.good", 1 << 40)  # sparse: it takes no space
    search = a_store(tmp_path).newest_good()
    assert revision_in(search) == 1
    assert "1099511627776 bytes" in search.unusable[0].why


LEFT_IN_PLACE = {
    "of another node": (a_file(9, contents(9), Owner("edge-2", "edges")), "node 'edge-2' in group 'edges'"),
    "of another group": (a_file(9, contents(9), Owner("edge-1", "other")), "node 'edge-1' in group 'other'"),
    "of a newer agent": (WHOLE.replace(b"generation 1", b"generation 2", 1), "format 2"),
}


@pytest.mark.parametrize(("data", "words"), LEFT_IN_PLACE.values(), ids=LEFT_IN_PLACE)
def test_what_is_somebody_elses_is_passed_over_and_left(tmp_path: Path, data: bytes, words: str) -> None:
    """The group that a node was taken out of by mistake finds its generations when it is put back."""
    good(a_store(tmp_path), 1)
    put(tmp_path / "000009.good", data)
    store = a_store(tmp_path)
    search = store.newest_good()
    assert revision_in(search) == 1
    assert words in search.unusable[0].why
    assert good(store, 10).number == 10
    assert "000009.good" in files(tmp_path)


def test_few_of_somebody_elses_are_kept_and_none_of_ours_goes_for_them(tmp_path: Path) -> None:
    theirs, ours = (a_store(tmp_path, owner=Owner("edge-1", group), keep=2) for group in ("other", "edges"))
    for revision in (1, 2):
        good(theirs, revision)
    for revision in (3, 4, 5):
        good(ours, revision)
    assert files(tmp_path) == ["000001.good", "000002.good", "000004.good", "000005.good"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_to_is_not_trusted(tmp_path: Path, mode: int) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    good(store, 2)
    (tmp_path / "000002.good").chmod(mode)
    search = store.newest_good()
    assert revision_in(search) == 1
    assert f"others may write to it (mode {mode:04o}); give it mode 0600" in search.unusable[0].why
    (tmp_path / "000002.good").chmod(0o600)
    assert revision_in(store.newest_good()) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_what_belongs_to_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    good(store, 2)
    os.chown(tmp_path / "000002.good", 65534, 65534)
    search = store.newest_good()
    assert revision_in(search) == 1
    assert "it belongs to user 65534" in search.unusable[0].why


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "socket"])
def test_what_is_no_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "generations"
    store = a_store(directory)
    good(store, 1)
    path = directory / "000009.good"
    if kind == "link":
        put(tmp_path / "elsewhere", WHOLE)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        listening = socket.socket(socket.AF_UNIX)
        monkeypatch.chdir(directory)  # a socket's name is short
        listening.bind(path.name)
        listening.close()
    before = len(os.listdir("/proc/self/fd"))
    search = store.newest_good()
    assert revision_in(search) == 1
    assert len(search.unusable) == 1
    assert len(os.listdir("/proc/self/fd")) == before
    assert good(store, 10).number == 10


@pytest.mark.parametrize("name", ["1.good", "0000012.good", "000012.Good", "000012", "000012.good~", "٠٠٠٠١٢.good"])
def test_a_name_that_is_none_of_ours_is_nothing_to_us(name: str) -> None:
    assert parsed(name) is None


def test_a_name_says_number_and_state() -> None:
    assert parsed("000012.good") == FileName(12, "good")
    assert parsed("1000000.candidate") == FileName(1_000_000, "candidate")
    assert FileName(1_000_000, "candidate") > FileName(999_999, "good")


def test_a_candidate_that_is_damaged_while_it_bakes_does_not_become_good(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    number = store.write(contents(1), MADE_AT_S).number
    put(tmp_path / "000001.candidate", b"?")
    with pytest.raises(Gone):
        store.promote(number)
    assert good(store, 1).number == 2


def test_to_promote_twice_is_to_promote_once(tmp_path: Path) -> None:
    """The name may have come without the directory being on the disk; then it is tried again."""
    store = a_store(tmp_path)
    summary = good(store, 1)
    assert store.promote(summary.number) == summary


def test_it_does_what_baking_asks_for(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert store.carry_out(Write("x"), contents(1), MADE_AT_S) == Written(1, "candidate")
    assert store.carry_out(Promote(1), None, MADE_AT_S) == Done()
    assert store.carry_out(Write("x"), contents(1), MADE_AT_S) == Written(1, "good")
    assert store.carry_out(Promote(2), None, MADE_AT_S) == Lost()
    assert store.carry_out(Write("y"), contents(2), MADE_AT_S) == Written(2, "candidate")
    assert store.carry_out(Reject(2, "it crashed"), None, MADE_AT_S) == Done()
    assert files(tmp_path) == ["000001.good", "000002.rejected"]


def test_a_place_that_cannot_be_written_to_is_told_and_mended(tmp_path: Path) -> None:
    place = tmp_path / "generations"
    place.write_text("a file where the directory should be")
    store = a_store(place)
    assert "cannot write generations to" in store.problem
    assert store.newest_good().generation is None
    outcome = store.carry_out(Write("x"), contents(1), MADE_AT_S)
    assert isinstance(outcome, Failed)
    assert outcome.why == store.problem
    assert str(place) in outcome.why
    place.unlink()
    assert store.carry_out(Write("x"), contents(1), MADE_AT_S) == Written(1, "candidate")
    assert store.problem == ""


def test_types_that_nobody_knows_pass_through(tmp_path: Path) -> None:
    strange = Resource.of(TypeUrl("type.googleapis.com/x.Y"), "z", b"\x00")
    store = Generations(tmp_path, OWNER, is_secret=of_type_secret, relate=unrelated)
    good(store, 1, strange)
    assert found(store).contents.resources == (strange,)
