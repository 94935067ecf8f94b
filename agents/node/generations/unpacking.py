"""From the bytes of a file to what was held. A file is verified as a whole before anything of it is looked at.

Which files are opened, and whether they may be trusted, is not known here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from io import BufferedReader
from typing import Any, NamedTuple

from agents.node.generations.file_form import FIRST_LINE_LIMIT_BYTES, FORMAT, HEADER_LIMIT_BYTES, MAGIC, Entry, Vault
from agents.node.generations.generation import Contents, Relate, ResourceName, State, Summary
from agents.node.generations.problems import Damaged, NotUsable
from xds.protocol.resource import Resource, content_version
from xds.protocol.types import TypeUrl, name_of

_FOREIGN = "a line of it is not what an agent writes"
_TYPES = (str, str, str, int, int, bool)  # of an Entry


class Header(NamedTuple):
    """The header as it was sealed beside, and what it says."""

    line: bytes
    data: dict[str, Any]


class Unpacked(NamedTuple):
    """What a file keeps. `is_shut`: its sealed part could not be opened, and counts as left out."""

    contents: Contents
    is_shut: bool


def verify(file: BufferedReader) -> None:
    """Take the first line off, and hold all that follows to the digest in it. The file stands behind that line then.

    Raises Damaged, or NotUsable for another format.
    """
    told = take_first_line(file)
    here = file.tell()
    if hashlib.file_digest(file, "sha256").hexdigest() != told:
        raise Damaged("its bytes are not those that were written: the digest differs")
    file.seek(here)


def take_first_line(file: BufferedReader) -> str:
    """The digest that the first line tells. Raises Damaged, or NotUsable for another format."""
    line = file.readline(FIRST_LINE_LIMIT_BYTES)
    if not line:
        raise Damaged("it is empty")
    words = line[len(MAGIC) : -1].split(b" ")
    if not line.startswith(MAGIC) or not line.endswith(b"\n") or len(words) != 2 or not words[0].isdigit():
        raise Damaged("it does not begin like a generation")
    if words[0] != b"%d" % FORMAT:
        other = f"it has format {words[0].decode()}, and this agent reads format {FORMAT}"
        raise NotUsable(f"{other}; it is left to the agent that wrote it")
    return words[1].decode("ascii", "replace")


def read_header(file: BufferedReader) -> Header:
    """The second line. Raises Damaged."""
    line = file.readline(HEADER_LIMIT_BYTES)
    return Header(line, _object(line))


def summary(header: Header, state: State, size_bytes: int) -> Summary:
    """What the header says of a file of this size. Raises Damaged."""
    data = header.data
    return Summary(
        number=_number(data, "number"),
        state=state,
        node=_text(data, "node"),
        group=_text(data, "group"),
        revision=_number(data, "revision"),
        made_at_s=_number(data, "made_at_s"),
        content=_text(data, "content"),
        resource_count=_number(data, "resource_count"),
        left_out_count=_number(data, "left_out_count"),
        sealed_count=_number(data, "sealed_count"),
        size_bytes=size_bytes,
    )


def unpack(file: BufferedReader, header: Header, size_bytes: int, vault: Vault | None, relate: Relate) -> Unpacked:
    """Everything behind the header of a verified file of `size_bytes`. Raises Damaged; never reads more than that."""
    index_bytes, sealed_bytes, bodies_bytes = (
        _number(header.data, name) for name in ("index_bytes", "sealed_bytes", "bodies_bytes")
    )
    if file.tell() + index_bytes + sealed_bytes + bodies_bytes != size_bytes:
        raise Damaged("its header does not fit its size")
    index = _object(file.read(index_bytes))
    sealed = file.read(sealed_bytes)
    opened = vault.open(sealed, header.line) if vault and sealed else None
    is_shut = bool(sealed) and opened is None
    plain = _plain(_list(index, "resources"), file, bodies_bytes, relate)
    contents = Contents(
        revision=_number(header.data, "revision"),
        resources=(*plain, *_opened(opened, relate)),
        whole=tuple(TypeUrl(url) for url in _list(index, "whole")),
        absent=tuple(_names(index, "absent")),
        left_out=(*_names(index, "left_out"), *(_names(index, "sealed") if is_shut else ())),
    )
    return Unpacked(contents, is_shut)


def _plain(entries: list[Any], file: BufferedReader, size_bytes: int, relate: Relate) -> Iterator[Resource]:
    for entry in _entries(entries, size_bytes):
        yield _resource(entry, file.read(entry.size_bytes), relate)


def _opened(data: bytes | None, relate: Relate) -> Iterator[Resource]:
    if data is None:
        return
    at = data.index(b"\n") + 1
    for entry in _entries(json.loads(data[:at]), len(data) - at):
        yield _resource(entry, data[at : at + entry.size_bytes], relate)
        at += entry.size_bytes


def _entries(found: Iterable[Any], size_bytes: int) -> list[Entry]:
    """Held to their form and to their size together, before a single body is read. Raises Damaged."""
    entries = []
    for each in found:
        if not isinstance(each, list) or tuple(map(type, each)) != _TYPES or min(each[3:5]) < 0:
            raise Damaged("its index holds something that is no resource")
        entries.append(Entry(*each))
    if sum(entry.size_bytes for entry in entries) != size_bytes:
        raise Damaged("its index does not fit its size")
    return entries


def _resource(entry: Entry, body: bytes, relate: Relate) -> Resource:
    if entry.version != content_version(body, entry.ttl_ms):
        raise Damaged(f"the version of {name_of(entry.type_url, entry.name)} is not the one of its body")
    type_url = TypeUrl(entry.type_url)
    references, aliases = relate(type_url, body)
    return Resource(type_url, entry.name, entry.version, body, references, aliases, entry.on_demand, entry.ttl_ms)


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Damaged(_FOREIGN) from error
    if not isinstance(value, dict):
        raise Damaged(_FOREIGN)
    return value


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or value < 0:
        raise Damaged(f"its header has no {name}")
    return value


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise Damaged(f"its header has no {name}")
    return value


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    if not isinstance(value, list):
        raise Damaged(f"its index has no {name}")
    return value


def _names(index: dict[str, Any], name: str) -> Iterator[ResourceName]:
    for pair in _list(index, name):
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise Damaged(f"its index has something in {name} that is no name")
        yield ResourceName(TypeUrl(pair[0]), pair[1])
