"""Every command that README.md and the pages with a tour show is run, in its order, and ends as the page says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spine import ROOT
from tests.tours import Tour, steps

# These install and start the whole project; `.ci/run` does so itself, before and after this test.
RUN_BY_CI = ("make setup", "make demo", "make dev", ". .venv/bin/activate")


@pytest.fixture
def tour(tmp_path: Path) -> Iterator[Tour]:
    walking = Tour(tmp_path)
    yield walking
    walking.end()


@pytest.mark.envoy
@pytest.mark.etcd
def test_every_command_of_the_readme_does_what_it_says(tour: Tour) -> None:
    walked = [step for step in steps(ROOT / "README.md") if step.command.split("#")[0].strip() not in RUN_BY_CI]
    assert len(walked) > 15
    for step in walked:
        tour.run(step)


@pytest.mark.etcd
def test_every_command_of_the_page_on_endpoints_does_what_it_says(tour: Tour) -> None:
    walked = steps(ROOT / "docs" / "endpoints.md")
    assert len(walked) > 10
    for step in walked:
        tour.run(step)


@pytest.mark.envoy
@pytest.mark.etcd
def test_every_command_of_the_page_on_the_agent_does_what_it_says() -> None:
    walked = steps(ROOT / "docs" / "agent.md")
    assert len(walked) > 12
    # Sockets are in it, whose paths cannot be long.
    with tempfile.TemporaryDirectory(prefix="tour-") as directory:
        tour = Tour(Path(directory))
        try:
            for step in walked:
                tour.run(step)
        finally:
            tour.end()


@pytest.mark.envoy
def test_every_command_of_the_page_on_plans_does_what_it_says(tour: Tour) -> None:
    walked = steps(ROOT / "docs" / "plan.md")
    assert len(walked) > 8
    for step in walked:
        tour.run(step)


def test_what_the_tour_leaves_to_ci_is_run_there() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "make setup" in ci
    assert "make demo" in ci
