"""What is shipped: a wheel and an sdist, built as `python -m build` builds them, and installed where nothing else is.
The node agent has a wheel of its own, with few dependencies: it is built and run as its container does it.

The build runs isolated, as pip's does, with the exact tools of build-constraints.txt: xds-protos must never be in the
environment that runs Fairlead, so the package index has to be in reach, as for `make setup`.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.spine import wait_for

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).parents[2]
DESCRIPTORS = "api/envoy/descriptors.binpb"
GENERATED = (DESCRIPTORS, "api/management/v1/management_pb2.py", "snapshots/store/etcd/rpc_pb2.py")


@dataclass(frozen=True, slots=True)
class Built:
    """The wheel was built from the unpacked sdist, not from the repository: that is what `python -m build` does."""

    sdist: Path
    wheel: Path


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command; on failure, the test fails with all that it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_"))}
    done = subprocess.run(command, cwd=cwd, env=clean | environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    # In a folder of its own: the repository's top is full of packages that would be imported instead of installed ones.
    run(
        sys.executable, "-m", "build", "--outdir", folder, ROOT,
        cwd=folder, PIP_CONSTRAINT=str(ROOT / "build-constraints.txt"), PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_RETRIES="10", PIP_DEFAULT_TIMEOUT="60",
    )  # fmt: skip
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that has the wheel and, by a .pth file, the dependencies of the running one.

    Installing the dependencies anew would take minutes and test the package index. A .pth file adds the running
    environment's packages and, unlike --system-site-packages, not its own .pth files: an editable Fairlead stays out.
    """
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    install = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--no-deps")
    run(*install, built.wheel, cwd=folder)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def agents_wheel(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From the sdist, too: a build writes stubs where it runs, and other tests are reading those of the repository."""
    folder = tmp_path_factory.mktemp("agent")
    with tarfile.open(built.sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, "./deploy/agent",
        cwd=source, PIP_CONSTRAINT=str(ROOT / "build-constraints.txt"), PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_RETRIES="10", PIP_DEFAULT_TIMEOUT="60",
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def agents_place(agents_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the agent's wheel and what its lock names, and nothing else at all."""
    folder = tmp_path_factory.mktemp("agents_place")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    install = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--no-deps")
    run(*install, agents_wheel, cwd=folder)
    lock = (ROOT / "deploy" / "agent" / "requirements.lock").read_text()
    for name in re.findall(r"^([\w.-]+)==", lock, re.M):
        borrow(name, packages)
    return folder / "bin"


def borrow(name: str, packages: Path) -> None:
    """Link each file of a distribution of the running environment; several may share a directory."""
    for file in distribution(name).files or ():
        target, source = packages / file, Path(str(file.locate()))
        if ".." not in file.parts and source.suffix != ".pyc":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_has_what_the_build_generates(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        assert set(GENERATED) <= set(archive.namelist())
        assert 100_000 < archive.getinfo(DESCRIPTORS).file_size < 2_000_000


def test_the_wheel_brings_our_packages_and_no_others(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"agents", "api", "snapshots", "xds"}


def test_what_is_needed_to_build_is_not_needed_to_run(built: Built) -> None:
    needed = {re.split(r"[^\w-]", line)[0] for line in metadata_of(built.wheel).get_all("Requires-Dist", [])}
    assert "grpcio" in needed
    assert not needed & {"xds-protos", "grpcio-tools", "hatchling"}


def test_the_sdist_has_the_sources_and_nothing_generated(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"hatch_build.py", "api/envoy/build.py", "snapshots/store/etcd/rpc.proto", "LICENSE"} <= names
    assert not {name for name in names if "_pb2" in name or name.endswith(".binpb")}


def test_the_command_runs_from_the_wheel_alone(built: Built, installed: Path, tmp_path: Path) -> None:
    assert metadata_of(built.wheel)["Version"] in run(installed / "fairlead", "--version", cwd=tmp_path)


def test_the_page_of_a_code_is_shown_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    page = run(installed / "fairlead", "explain", "E0203", cwd=tmp_path)
    assert page == (ROOT / "docs" / "errors" / "E0203.md").read_text("utf-8")


def test_envoys_api_loads_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    script = (
        "import api.envoy.registry as registry\n"
        "print(registry.__file__)\n"
        "print(registry.load_default().new('envoy.config.cluster.v3.Cluster').DESCRIPTOR.full_name)\n"
    )
    place, name = run(installed / "python", "-c", script, cwd=tmp_path).splitlines()
    assert Path(place).is_relative_to(installed.parent)
    assert name == "envoy.config.cluster.v3.Cluster"


def test_the_agents_wheel_is_a_part_of_the_whole(built: Built, agents_wheel: Path) -> None:
    with zipfile.ZipFile(built.wheel) as whole, zipfile.ZipFile(agents_wheel) as part:
        extra = {name for name in part.namelist() if ".dist-info/" not in name} - set(whole.namelist())
        assert extra == set()
        assert {"api/nodes/v1/nodes_pb2.py", DESCRIPTORS} <= set(part.namelist())
        assert not [name for name in part.namelist() if name.startswith(("snapshots/", "api/cli/", "api/management/"))]
    assert metadata_of(agents_wheel)["Version"] == metadata_of(built.wheel)["Version"]


@pytest.mark.envoy
def test_the_agent_runs_an_envoy_where_nothing_else_is_installed(agents_place: Path) -> None:
    """As in its container: settings from the environment, and orphans are its own, as they are of PID 1."""
    with TemporaryDirectory(prefix="agent-") as name:  # sockets are in it, whose paths cannot be long
        top = Path(name)
        environment = {
            "PATH": f"{agents_place}:/usr/bin:/bin",
            "FAIRLEAD_AGENT_STATE_DIR": str(top / "state"),
            "FAIRLEAD_AGENT_HTTP_ADDRESS": "127.0.0.1:0",
            "FAIRLEAD_AGENT_SERVERS": "127.0.0.1:1",
            "FAIRLEAD_AGENT_DRAIN_DELAY_S": "0",
        }
        with (top / "log").open("wb") as log:
            agent = subprocess.Popen(
                [agents_place / "fairlead-agent", "run", "--ready-file=ready.json"],
                cwd=top, env=environment, stdout=log, stderr=log, preexec_fn=_take_orphans,
            )  # fmt: skip
        try:
            wait_for(lambda: (top / "ready.json").exists() or agent.poll() is not None, "the agent")
            assert agent.poll() is None, (top / "log").read_text()
            wait_for(lambda: "Envoy is started" in (top / "log").read_text() or agent.poll() is not None, "Envoy")
            # Nobody is there for it to follow: that is the one thing that is wrong.
            done = subprocess.run(
                [agents_place / "fairlead-agent", "doctor", "-o", "json"],
                cwd=top, env=environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            checks = {each["check"]: each["verdict"] for each in json.loads(done.stdout)["checks"]}
            assert done.returncode == 4, done
            assert [name for name, verdict in checks.items() if verdict == "bad"] == ["upstream 127.0.0.1:1"]
            assert (checks["envoy"], checks["agent"]) == ("good", "doubtful")  # it has nothing to serve
        finally:
            agent.terminate()
            assert agent.wait(60) == 0, (top / "log").read_text()


def _take_orphans() -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
