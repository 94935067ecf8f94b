"""The distribution of the agent alone (deploy/agent): what it needs is in it, and what is in it is needed.

The imports are read from the source, those inside functions too: what the agent may ever import counts.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import grimp
import pytest

from tests.spine import ROOT

OURS = ("agents", "api", "snapshots", "xds")
PROJECT = tomllib.loads((ROOT / "deploy" / "agent" / "pyproject.toml").read_text())
WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHIPPED = tuple(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].values())
# Left out on purpose: traces and metrics by OpenTelemetry are a server's (an agent counts for itself).
NOT_THE_AGENTS = frozenset({"opentelemetry", "prometheus_client"})


@pytest.fixture(scope="module")
def imports() -> tuple[set[str], set[str]]:
    """Our modules that the agent may import, and the packages of others."""
    graph = grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)
    ours: set[str] = set()
    others: set[str] = set()
    pending = [name for name in graph.modules if name.startswith("agents.node")]
    while pending:
        module = pending.pop()
        if module.partition(".")[0] not in OURS:
            others.add(module)
        elif module not in ours:
            ours.add(module)
            pending += graph.find_modules_directly_imported_by(module)
    return ours, others


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", line)[0] for line in requirements}


def _is_shipped(module: str) -> bool:
    path = module.replace(".", "/")
    return any(path == place.removesuffix(".py") or f"{path}/".startswith(f"{place}/") for place in SHIPPED) or (
        f"{path}/__init__.py" in SHIPPED
    )


def test_all_that_the_agent_imports_of_ours_is_shipped(imports: tuple[set[str], set[str]]) -> None:
    assert sorted(module for module in imports[0] if not _is_shipped(module)) == []


def test_every_room_that_is_shipped_is_used(imports: tuple[set[str], set[str]]) -> None:
    rooms = {".".join(Path(place.removesuffix(".py")).parts[:2]) for place in SHIPPED if "__init__" not in place}
    assert sorted(room for room in rooms if not any(f"{used}.".startswith(f"{room}.") for used in imports[0])) == []


def test_what_it_imports_of_others_is_what_it_depends_on(imports: tuple[set[str], set[str]]) -> None:
    known = packages_distributions()
    foreign = {name for name in imports[1] if name not in sys.stdlib_module_names} - NOT_THE_AGENTS
    # `google` is shared by several; the agent's is protobuf.
    needed = {"protobuf" if name == "google" else known[name][0].lower().replace("_", "-") for name in foreign}
    declared = _names(PROJECT["project"]["dependencies"])
    optional = _names([each for some in PROJECT["project"]["optional-dependencies"].values() for each in some])
    assert needed <= declared | optional
    assert declared <= needed


def test_its_dependencies_are_those_of_the_whole() -> None:
    whole = [*WHOLE["project"]["dependencies"], *WHOLE["dependency-groups"]["dev"]]
    extras = PROJECT["project"]["optional-dependencies"].values()
    own = [*PROJECT["project"]["dependencies"], *(each for some in extras for each in some)]
    assert [each for each in own if each not in whole] == []
    assert PROJECT["build-system"] == WHOLE["build-system"]


def test_its_lock_is_a_part_of_the_whole_lock() -> None:
    def pinned(file: Path) -> set[str]:
        return set(re.findall(r"^([\w.-]+==[\w.]+)", file.read_text(), re.M))

    small = pinned(ROOT / "deploy" / "agent" / "requirements.lock")
    assert small <= pinned(ROOT / "requirements.lock")
    names = {each.partition("==")[0] for each in small}
    assert _names(PROJECT["project"]["dependencies"]) <= names
    assert names <= {each.name.lower().replace("_", "-") for each in distributions()}
