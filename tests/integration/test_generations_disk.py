"""Generations on disks that fail: full, read-only, with a limit, and under a process that is killed at any step."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.node.generations.baking import Failed, Write, Written
from tests.builders import cluster
from tests.generations import MADE_AT_S, a_store, contents, files, good, revision_in
from tests.interrupted import ACTIONS, NEW, OLD
from tests.small_disk import NO_MOUNTS

NAMESPACE = ("unshare", "--mount", "--map-root-user")
ROOT = Path(__file__).resolve().parents[2]


def on_a_small_disk(scenario: str, directory: Path) -> dict[str, Any]:
    if shutil.which("unshare") is None:
        pytest.skip("no file system of its own for a test: there is no unshare")
    command = [*NAMESPACE, sys.executable, "-m", "tests.small_disk", scenario, str(directory)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if run.returncode == NO_MOUNTS or run.stderr.startswith("unshare:"):
        pytest.skip(f"no file system of its own for a test: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """For every user, and everywhere: what is longer is not written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_nothing_that_is_there(tmp_path: Path) -> None:
    told = on_a_small_disk("full", tmp_path)
    refused, mended = told["refused"], told["mended"]
    assert refused["outcome"].startswith("Failed(")
    assert "No space left on device" in refused["problem"]
    assert (refused["used"], refused["files"]) == (1, ["000001.good"])
    assert mended["outcome"] == "Written(number=2, state='candidate')"
    assert (mended["problem"], mended["used"]) == ("", 2)


def test_a_disk_that_became_read_only_is_read(tmp_path: Path) -> None:
    told = on_a_small_disk("read-only", tmp_path)
    assert "Read-only file system" in told["refused"]["problem"]
    assert told["refused"]["used"] == 1, "the newest is damaged, and could not be set aside"
    assert told["promoted"].startswith("Failed(")
    assert told["used after a start"] == 1
    assert (told["mended"]["problem"], told["mended"]["used"]) == ("", 4)


def test_a_write_that_ends_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    good(store, 1)
    large = contents(2, cluster("web", "x" * 100_000))
    with files_of_at_most(20_000):
        outcome = store.carry_out(Write("x"), large, MADE_AT_S)
        assert isinstance(outcome, Failed)
        assert "File too large" in store.problem
        assert revision_in(store.newest_good()) == 1
        assert files(tmp_path) == ["000001.good"]
    assert store.carry_out(Write("x"), large, MADE_AT_S) == Written(2, "candidate")
    assert store.problem == ""


def test_killed_at_any_step_the_old_one_is_used_or_the_new_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.interrupted", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    kills = [json.loads(line) for line in run.stdout.splitlines()]
    used = {
        action.__name__: [kill["used"] for kill in kills if kill["action"] == action.__name__] for action in ACTIONS
    }

    assert set(used["becomes_good"]) == {OLD, NEW}
    assert used["becomes_good"] == sorted(used["becomes_good"]), "once it is the new one, it stays the new one"
    assert set(used["is_rejected"]) == set(used["is_restarted"]) == {OLD}
    assert not any(kill["passed_over"] for kill in kills), "nothing partial has ever the name of a generation"
    assert all(kill["next"] > OLD and kill["files"] <= OLD for kill in kills), "it goes on, and nothing is left over"
