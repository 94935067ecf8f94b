"""What several tests of whole processes begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.spine import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """One that keeps what it is given in its memory."""
    process = ServerProcess(tmp_path / "server", "--memory").start()
    yield process
    process.stop()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """For what a test starts and is to end with it."""
    with ExitStack() as stack:
        yield stack
