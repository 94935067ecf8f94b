"""One server for each file, with the store in memory; every test has a workspace, in a group of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Documents
from tests.spine import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"), "--memory").start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def documents(tmp_path: Path, request: pytest.FixtureRequest) -> Documents:
    group = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:50].strip("-")
    (tmp_path / "shop").mkdir()
    return Documents(tmp_path / "shop", group).named("shop")
