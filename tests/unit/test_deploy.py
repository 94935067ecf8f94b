"""What is in deploy/: units whose commands exist and whose limits go together, and a container that is not root."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from agents.node import command
from agents.node.settings import AgentSettings, load_settings
from api.cli.table import BY_NAME
from tests.spine import ROOT
from xds.server.settings import ServerSettings

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
DOCKERFILE = (DEPLOY / "agent" / "Dockerfile").read_text()
SCRIPTS = tomllib.loads((DEPLOY / "agent" / "pyproject.toml").read_text())["project"]["scripts"]


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Every assignment of a unit, in its order; what belongs to which section does not matter here."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(), re.M):
        found.setdefault(name, []).append(value)
    return found


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


AGENT, ENVOY, SERVER = (
    settings_of(DEPLOY / name) for name in ("fairlead-agent.service", "envoy.service", "fairlead.service")
)


def test_the_agents_unit_calls_a_command_that_there_is() -> None:
    program, *arguments = shlex.split(AGENT["ExecStart"][0])
    assert Path(program).name in SCRIPTS
    given = command._parser().parse_args(arguments)
    assert (given.action, str(given.config)) == ("run", "/etc/fairlead/agent.toml")


def test_the_servers_unit_calls_a_command_that_there_is() -> None:
    program, name, *arguments = shlex.split(SERVER["ExecStart"][0])
    assert (Path(program).name, arguments) == ("fairlead", ["--config", "/etc/fairlead/server.toml"])
    assert name in BY_NAME


def test_stopping_may_take_as_long_as_draining_does() -> None:
    agent, server = AgentSettings(), ServerSettings()
    assert seconds(AGENT["TimeoutStopSec"][0]) > agent.drain_delay_s + agent.drain_s
    assert seconds(SERVER["TimeoutStopSec"][0]) > server.drain_s
    example = load_settings(config=DEPLOY / "agent.toml")
    assert seconds(AGENT["TimeoutStopSec"][0]) > example.drain_delay_s + example.drain_s


def test_an_envoy_outlives_its_agent_under_systemd() -> None:
    """Each of these would end it, or take from it what the next agent needs."""
    assert AGENT["KillMode"] == ["process"]
    assert AGENT["OOMPolicy"] == ["continue"]
    assert AGENT["RemoveIPC"] == ["no"]
    assert AGENT["RuntimeDirectoryPreserve"] == ["yes"]
    assert "DynamicUser" not in AGENT
    assert (AGENT["Restart"], AGENT["StartLimitIntervalSec"]) == (["always"], ["0"])


def test_the_state_directory_of_the_example_is_the_units() -> None:
    (name,) = AGENT["StateDirectory"]
    assert load_settings(config=DEPLOY / "agent.toml").state_dir == Path("/var/lib") / name
    assert f"/var/lib/{name}/envoy/bootstrap.json" in ENVOY["ExecStart"][0]
    assert ENVOY["User"] == AGENT["User"] == [name]
    assert re.search(rf"^u {name} ", (DEPLOY / "fairlead-agent.sysusers.conf").read_text(), re.M)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_systemd_understands_the_units_and_calls_them_safe(unit: Path, tmp_path: Path) -> None:
    for each in UNITS:  # they name each other
        program = shlex.split(settings_of(each)["ExecStart"][0])[0]
        (tmp_path / each.name).write_text(each.read_text().replace(program, "/bin/true"))
    for words in (("verify", "--man=no"), ("security", "--offline=true", "--threshold=20")):
        done = subprocess.run(
            ("systemd-analyze", *words, tmp_path / unit.name), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Unknown" not in done.stderr


def test_the_container_is_not_root_and_asks_the_agent_how_it_is() -> None:
    lines = DOCKERFILE.splitlines()
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER 65532:65532"
    assert 'ENTRYPOINT ["fairlead-agent"]' in lines
    assert "STOPSIGNAL SIGTERM" in lines
    assert "/readyz" in DOCKERFILE


def test_the_containers_environment_is_settings_of_the_agent() -> None:
    given = dict(re.findall(r"(FAIRLEAD_AGENT_\w+)=(\S+)", DOCKERFILE.replace("…", "127.0.0.1:18000")))
    assert len(given) > 2
    settings = load_settings(environment=given)
    assert settings.state_dir == Path("/var/lib/fairlead-agent")
    assert f"EXPOSE {settings.http_address.port}" in DOCKERFILE


def test_the_container_is_made_of_what_is_tested() -> None:
    """tests/integration/test_packaging.py builds that wheel in that way, and runs it with what that lock names."""
    assert "pip wheel --no-deps --wheel-dir /wheels ./deploy/agent" in DOCKERFILE
    assert "install --no-deps --require-hashes --requirement deploy/agent/requirements.lock" in DOCKERFILE


def test_the_container_copies_what_there_is() -> None:
    for path in re.findall(r"deploy/\S+", DOCKERFILE):
        assert (ROOT / path).exists(), path
