"""The agent's settings in their forms: the page about them, the example, the units that name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.node.settings import OPERATIONS, AgentSettings, awaiting_restart, load_settings
from agents.node.settings_document import configuration_document
from api.errors import InvalidConfig
from api.hosting.address import Address
from tests.spine import ROOT


def test_the_page_is_the_table_in_the_code() -> None:
    assert (ROOT / "docs" / "agent-configuration.md").read_text() == configuration_document()


def test_without_sources_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings == AgentSettings()
    assert (str(settings.http_address), settings.state_dir) == ("127.0.0.1:18004", Path(".fairlead/agent"))


def test_a_flag_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[node]\nid = "of the file"\ngroup = "of the file"\nregion = "of the file"')
    environment = {"FAIRLEAD_AGENT_GROUP": "of the environment", "FAIRLEAD_AGENT_REGION": "of the environment"}
    settings = load_settings(flags={"region": "of the flag"}, environment=environment, config=file)
    assert (settings.node_id, settings.group, settings.region) == ("of the file", "of the environment", "of the flag")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"servers": "10.0.0.1:18000"}, "plaintext"),
        ({"relay_address": "0.0.0.0:18000"}, "agents could be anyone"),
        ({"relay": True}, "agents could be anyone"),
        ({"upstream_cert": "a.pem"}, "upstream_key go together"),
        ({"secrets": "seal"}, "secrets_key go together"),
        ({"envoy": "mind"}, "needs envoy_admin"),
        ({"servers": ""}, "at least one address"),
        ({"generations": "0"}, "at least 1"),
        ({"allow": "logs,everything"}, f"allow has everything; operations are {', '.join(OPERATIONS)}"),
    ],
)
def test_what_does_not_go_together_is_told(flags: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        load_settings(flags=flags)
    assert words in " ".join(finding.message for finding in refused.value.findings)


@pytest.mark.parametrize(
    ("flags", "at"),
    [
        ({}, None),
        ({"relay": True}, "0.0.0.0:18010"),
        ({"relay_address": "127.0.0.1:7"}, "127.0.0.1:7"),
        ({"relay": True, "relay_address": "127.0.0.1:7"}, "127.0.0.1:7"),
    ],
)
def test_where_others_are_served(flags: dict[str, object], at: str | None) -> None:
    settings = load_settings(flags={**flags, "insecure_plaintext": True, "insecure_off_loopback": True})
    assert (str(settings.relay_at) if settings.relay_at else None) == at


def test_text_is_read_by_kind() -> None:
    settings = load_settings(flags={"servers": "127.0.0.1:1, [::1]:2", "labels": "tier=edge,rack=7", "allow": "logs"})
    assert settings.servers == (Address("127.0.0.1", 1), Address("::1", 2))
    assert dict(settings.labels) == {"tier": "edge", "rack": "7"}
    assert settings.allow == ("logs",)


@pytest.mark.parametrize(
    ("changed", "later"),
    [
        ({}, ()),
        ({"log_level": "debug", "envoy_binary": "/opt/envoy"}, ()),
        ({"allow": "logs", "labels": "tier=edge", "log_level": "debug"}, ("node.labels", "operations.allow")),
    ],
)
def test_what_only_a_restart_brings_is_named(changed: dict[str, object], later: tuple[str, ...]) -> None:
    assert awaiting_restart(load_settings(), load_settings(flags=changed)) == later


def test_the_example_is_settings_of_a_gateway_in_production() -> None:
    settings = load_settings(config=ROOT / "deploy" / "agent.toml")
    assert (settings.envoy, settings.state_dir) == ("run", Path("/var/lib/fairlead-agent"))
    assert settings.upstream_ca is not None
