"""Bytes of the snapshot store: length-prefixed fields, digests, and blobs. Pure; knows no trees and no etcd.

The format is ours because it has to be canonical: equal values are equal bytes, on every replica and with every
version of every library. Numbers are unsigned LEB128; text and bytes are a length and then themselves. A digest is the
SHA-256 of the bytes *before* compression: a newer zstd may compress better without changing what a snapshot is called.
"""

from __future__ import annotations

import hashlib
from typing import NewType

import zstandard

from api.errors import FairleadError

Digest = NewType("Digest", str)

DIGEST_BYTES = 32
BLOB_FORMAT = b"\x01"
# A blob must stay under 512 KiB after compression, and bytes that do not compress grow by a few.
PIECE_LIMIT_BYTES = 511 * 1024


class Damaged(FairleadError):
    """What is stored is not what was written. Nothing is guessed: restore it from a backup."""

    status = "DATA_LOSS"


def digest_of(data: bytes) -> Digest:
    """64 hex digits of the SHA-256."""
    return Digest(hashlib.sha256(data).hexdigest())


def pieces_of(data: bytes) -> tuple[tuple[Digest, bytes], ...]:
    """`data` cut into pieces that each fit into one blob, in order, with their digests; joined they are `data`."""
    starts = range(0, max(len(data), 1), PIECE_LIMIT_BYTES)
    cut = (data[start : start + PIECE_LIMIT_BYTES] for start in starts)
    return tuple((digest_of(piece), piece) for piece in cut)


def pack(piece: bytes) -> bytes:
    """One piece as a blob: a format byte and a zstd frame."""
    return BLOB_FORMAT + zstandard.ZstdCompressor(level=3).compress(piece)


def unpack(blob: bytes, digest: Digest) -> bytes:
    """The piece in a blob, verified against the digest it is stored under. Raises Damaged."""
    if blob[:1] != BLOB_FORMAT:
        raise Damaged(f"blob {digest} has format {blob[:1].hex() or 'nothing'}; this version reads {BLOB_FORMAT.hex()}")
    frame = blob[1:]
    try:
        # The library honours its own limit only for frames that do not say their size.
        if (size := zstandard.frame_content_size(frame)) > PIECE_LIMIT_BYTES:
            raise Damaged(f"blob {digest} says that it holds {size} bytes; no piece exceeds {PIECE_LIMIT_BYTES}")
        piece = zstandard.ZstdDecompressor().decompress(frame, max_output_size=PIECE_LIMIT_BYTES)
    except zstandard.ZstdError as error:
        raise Damaged(f"blob {digest} does not decompress: {error}") from error
    if digest_of(piece) != digest:
        raise Damaged(f"blob {digest} holds other bytes than its name says")
    return piece


class Writer:
    """Appends fields; `data()` is what was written."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def number(self, value: int) -> None:
        while value > 0x7F:
            self._parts.append(bytes((value & 0x7F | 0x80,)))
            value >>= 7
        self._parts.append(bytes((value,)))

    def raw(self, value: bytes) -> None:
        self._parts.append(value)

    def sized(self, value: bytes) -> None:
        self.number(len(value))
        self._parts.append(value)

    def text(self, value: str) -> None:
        self.sized(value.encode("utf-8", "surrogatepass"))

    def digests(self, values: tuple[Digest, ...]) -> None:
        self.number(len(values))
        self._parts.extend(bytes.fromhex(value) for value in values)

    def data(self) -> bytes:
        return b"".join(self._parts)


class Reader:
    """Takes the fields of a Writer off again, in the same order. Raises Damaged where there are none."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._data)

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def raw(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) != size:
            raise Damaged(f"ends at byte {len(self._data)}, in the middle of a field")
        self._position += size
        return taken

    def sized(self) -> bytes:
        return self.raw(self.number())

    def text(self) -> str:
        return self.sized().decode("utf-8", "surrogatepass")

    def digests(self) -> tuple[Digest, ...]:
        return tuple(Digest(self.raw(DIGEST_BYTES).hex()) for _ in range(self.number()))

    def rest(self) -> bytes:
        return self.raw(len(self._data) - self._position)
