"""A small disk that a test mounts for processes of its own: it gets full and read-only, and is gone with its holder.

The mount is in a namespace that nobody else sees. What runs there is started with `program`; a test reaches the files
through /proc.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.small_disk import fill

NAMESPACE = ("unshare", "--mount", "--map-root-user")
HOLD = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo ready && read -r _'


@dataclass(frozen=True)
class SmallDisk:
    """`directory` is where it is mounted for its own processes."""

    holder: int
    directory: Path

    def program(self, *command: str) -> Sequence[str]:
        """The same, among the processes that see the disk."""
        return ("nsenter", f"--target={self.holder}", "--mount", "--user", "--preserve-credentials", *command)

    @property
    def seen(self) -> Path:
        """The directory, for those who do not."""
        return Path(f"/proc/{self.holder}/root{self.directory}")

    def fill(self) -> None:
        """Somebody else's file takes all that is left."""
        fill(self.seen / "filler")

    def make_room(self) -> None:
        (self.seen / "filler").unlink()

    def freeze(self) -> None:
        """Read-only, but for files that are open: a mount that has those cannot be made so, so another lies over it."""
        here = str(self.directory)
        self._run("mount", "--bind", here, here)
        self._run("mount", "-o", "remount,bind,ro", here)

    def thaw(self) -> None:
        self._run("umount", "--lazy", str(self.directory))

    def _run(self, *command: str) -> None:
        subprocess.run(self.program(*command), check=True)


@contextmanager
def a_small_disk(directory: Path, size: str = "2m") -> Iterator[SmallDisk]:
    """Skips the test where a user may mount nothing, even for himself."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("no file system of its own for a test: there is no unshare or nsenter")
    directory.mkdir(parents=True, exist_ok=True)
    command = (*NAMESPACE, "sh", "-c", HOLD, "hold", size, str(directory))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != b"ready\n":
            holder.kill()
            pytest.skip(f"no file system of its own for a test: {holder.stderr.read().decode().strip()}")
        try:
            yield SmallDisk(holder.pid, directory)
        finally:
            holder.stdin.close()
