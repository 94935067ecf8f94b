"""Bytes of protobuf by hand: what is longer than a tag and a length is taken over as it is. No message type here."""

from __future__ import annotations


def field(tag: bytes, payload: bytes) -> bytes:
    """A length-delimited field: a string, bytes, or a message that is serialised already. `tag`: number << 3 | 2."""
    return tag + varint(len(payload)) + payload


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte."""
    if number < 0x80:
        return bytes((number,))
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
