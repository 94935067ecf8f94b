"""Opens files that can be trusted, and reads generations from them. Changes nothing on the disk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from agents.node.generations.file_form import SIZE_LIMIT_BYTES, Vault
from agents.node.generations.file_names import FileName, parsed
from agents.node.generations.generation import Generation, Relate, Summary
from agents.node.generations.problems import Damaged, NotUsable
from agents.node.generations.unpacking import read_header, summary, take_first_line, unpack, verify

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Owner(NamedTuple):
    """Whose generations these are."""

    node: str
    group: str


def files_in(directory: Path) -> tuple[FileName, ...]:
    """The names of generations in a directory, newest first; empty where there is none, or it cannot be read."""
    try:
        names = os.listdir(directory)
    except OSError:
        return ()
    return tuple(sorted((found for name in names if (found := parsed(name))), reverse=True))


def read_generation(
    directory: Path, name: FileName, owner: Owner | None, vault: Vault | None, relate: Relate
) -> Generation:
    """All of one generation, verified; of `owner`, or with None of whomever. Raises Damaged or NotUsable."""
    with _trusted(directory / str(name)) as (file, size_bytes):
        verify(file)
        header = read_header(file)
        told = _as_named(summary(header, name.state, size_bytes), name)
        if owner is not None:
            check_owner(told, owner)
        contents, is_shut = unpack(file, header, size_bytes, vault, relate)
    return Generation(told, contents, _shut_words(told, vault) if is_shut else "")


def read_summary(directory: Path, name: FileName, *, verified: bool = True) -> Summary:
    """What a generation says of itself; with `verified` after all of its bytes were held to their digest.

    Raises Damaged or NotUsable.
    """
    with _trusted(directory / str(name)) as (file, size_bytes):
        if verified:
            verify(file)
        else:
            take_first_line(file)
        return _as_named(summary(read_header(file), name.state, size_bytes), name)


@contextmanager
def _trusted(path: Path) -> Iterator[tuple[BufferedReader, int]]:
    """An open file, and its size. Nothing is followed and nothing waited for: a link, a pipe or what others may write
    to is not what an agent has put there."""
    try:
        with open(_opened(path), "rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Damaged("it is a symbolic link, which no agent makes") from error
        raise NotUsable(f"it cannot be read: {error.strerror}; mend that, and it is used again") from error


def _opened(path: Path) -> int:
    # Without O_NONBLOCK a pipe would keep us waiting for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_file(os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_file(about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise Damaged("it is no regular file")
    if about.st_uid not in (0, os.geteuid()):
        raise NotUsable(f"it belongs to user {about.st_uid}; give it to user {os.geteuid()} if it is to be trusted")
    if about.st_mode & _WRITABLE_BY_OTHERS:
        mode = f"{stat.S_IMODE(about.st_mode):04o}"
        raise NotUsable(f"others may write to it (mode {mode}); give it mode 0600 if it is to be trusted")
    if about.st_size > SIZE_LIMIT_BYTES:
        raise Damaged(f"it has {about.st_size} bytes, and no generation has more than {SIZE_LIMIT_BYTES}")


def _as_named(told: Summary, name: FileName) -> Summary:
    if told.number != name.number:
        raise Damaged(f"it is generation {told.number} under another name")
    return told


def check_owner(told: Summary, owner: Owner) -> None:
    """Raises NotUsable for what is somebody else's."""
    if (told.node, told.group) != owner:
        whose = f"it is of node {told.node!r} in group {told.group!r}"
        raise NotUsable(f"{whose}, and this is node {owner.node!r} in group {owner.group!r}; it is left for that one")


def _shut_words(told: Summary, vault: Vault | None) -> str:
    why = "the key in secrets_key is not the one that they were sealed under" if vault else "there is no secrets_key"
    return f"its secrets ({told.sealed_count}) are sealed, and {why}; give the agent that key"
