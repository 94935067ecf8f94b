"""Whatever happens to the bytes of a generation, it is never used, and the next older one is."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from agents.node.generations.file_form import Label
from agents.node.generations.floor import Floor
from agents.node.generations.generation import Contents, ResourceName
from agents.node.generations.packing import file_parts, pack
from agents.node.generations.vault import KeyVault
from tests.builders import cluster, listener, secret
from tests.generations import MADE_AT_S, OWNER, a_store, good, of_type_secret, revision_in
from xds.protocol.types import CLUSTER, ENDPOINT

VAULT = KeyVault(b"k" * 32)
HELD = Contents(
    2,
    (cluster("web"), listener("in", content="long " * 20), secret("pair")),
    whole=(CLUSTER,),
    absent=(ResourceName(ENDPOINT, "gone"),),
)
WHOLE = b"".join(file_parts(pack(HELD, of_type_secret, VAULT), Label(2, *OWNER, MADE_AT_S)))
places = st.integers(0, len(WHOLE) - 1)


def revision_used(data: bytes) -> int | None:
    """Of the newest good one, where a whole one is under the damaged one."""
    with TemporaryDirectory() as directory:
        good(a_store(Path(directory), vault=VAULT), 1)
        damaged = Path(directory, "000002.good")
        damaged.write_bytes(data)
        damaged.chmod(0o600)
        return revision_in(a_store(Path(directory), vault=VAULT).newest_good())


def test_undamaged_it_is_used() -> None:
    assert revision_used(WHOLE) == 2


def test_every_byte_counts() -> None:
    """All of them, one after the other: one bit, another in every byte, and the end of the file before it."""
    with TemporaryDirectory() as directory:
        good(a_store(Path(directory), vault=VAULT), 1)
        path = Path(directory, "000002.good")
        store = a_store(Path(directory), vault=VAULT)
        for place in range(len(WHOLE)):
            flipped = bytes([WHOLE[place] ^ 1 << place % 8])
            for data in (WHOLE[:place] + flipped + WHOLE[place + 1 :], WHOLE[:place]):
                path.write_bytes(data)
                path.chmod(0o600)
                assert revision_in(store.newest_good()) == 1, f"damaged at byte {place}"


@given(place=places, byte=st.integers(0, 255))
def test_any_other_byte_anywhere(place: int, byte: int) -> None:
    data = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    assert revision_used(data) == (2 if data == WHOLE else 1)


@given(start=places, size=st.integers(1, 600), instead=st.binary(max_size=600))
def test_any_stretch_replaced_by_another(start: int, size: int, instead: bytes) -> None:
    data = WHOLE[:start] + instead + WHOLE[start + size :]
    assert revision_used(data) == (2 if data == WHOLE else 1)


@given(data=st.binary(max_size=2000))
def test_any_bytes_at_all(data: bytes) -> None:
    assert revision_used(data) == 1
    assert revision_used(WHOLE + data) == (1 if data else 2)


@given(place=st.integers(0, 200), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_floor_is_the_right_one_or_none(place: int, byte: int, cut: bool) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "floor.json")
        Floor(path).raise_to("edges", 1842)
        data = path.read_bytes()
        place = min(place, len(data) - 1)
        path.write_bytes(data[:place] if cut else data[:place] + bytes([byte]) + data[place + 1 :])
        floor = Floor(path)
        assert floor.of("edges", otherwise=7) == (7 if floor.damage else 1842)
        floor.raise_to("edges", 1900)
        assert Floor(path).of("edges", otherwise=7) == 1900
