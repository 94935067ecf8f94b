"""What an agent's Envoy starts with: Envoy's own schema accepts it, and operators may add what is left open to them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from agents.node.envoy.admin import admin_place
from agents.node.envoy.bootstrap_file import Bootstrap, content_of, write_bootstrap
from agents.node.envoy.command import Call, Epoch, checked, epoch_of, made_by_agent
from agents.node.envoy.overlay import laid_over
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.envoy.rules import violations
from api.errors import InvalidConfig
from api.hosting.address import Address
from xds.bootstrap import NodeFacts, Place, UnixPlace, envoy_bootstrap, grpc_bootstrap

ENVOY_TYPE = "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap"
FACTS = NodeFacts("eu", "fra-1", metadata={"tier": "edge"})
SINK = {"name": "envoy.stat_sinks.statsd"}


def made(**others: Any) -> Bootstrap:
    given: dict[str, Any] = {"xds": UnixPlace("/run/xds.sock"), "admin": Path("/run/admin.sock"), "facts": FACTS}
    return Bootstrap("edge-1", "edge", **(given | others))


def overlaid(overlay: object) -> dict[str, Any]:
    return laid_over(made().document(), overlay, "more.yaml")


@pytest.mark.parametrize("xds", [UnixPlace("/run/xds.sock"), Place("127.0.0.1", 18010)])
@pytest.mark.parametrize("admin", [Path("/run/admin.sock"), Address("::1", 9901)])
def test_envoys_own_schema_and_rules_accept_it(xds: UnixPlace | Place, admin: Path | Address) -> None:
    api = load_default()
    parsed = from_json(api, {"@type": ENVOY_TYPE, **made(xds=xds, admin=admin).document()})
    assert parsed.problems == ()
    assert parsed.message is not None
    assert violations(api, parsed.message) == ()


def test_it_says_who_and_where_the_node_is() -> None:
    node = made().document()["node"]
    assert (node["id"], node["cluster"]) == ("edge-1", "edge")
    assert node["locality"] == {"region": "eu", "zone": "fra-1"}
    assert node["metadata"] == {"tier": "edge"}
    assert "xds.config.supports-resource-ttl" in node["client_features"]


def test_without_facts_it_is_what_the_command_prints() -> None:
    place, admin = UnixPlace("/run/xds.sock"), Address("127.0.0.1", 0)
    document = made(facts=NodeFacts(), admin=admin).document()
    assert document == envoy_bootstrap("edge-1", "edge", place)
    assert "locality" not in document["node"]


def test_both_sockets_are_for_this_user_alone() -> None:
    document = made().document()
    [cluster] = document["static_resources"]["clusters"]
    [endpoint] = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"] == {"pipe": {"path": "/run/xds.sock", "mode": 0o600}}
    assert document["admin"]["address"] == {"pipe": {"path": "/run/admin.sock", "mode": 0o600}}
    assert (cluster["type"], "transport_socket" in cluster) == ("STATIC", False)


def test_a_grpc_process_of_the_same_host_can_use_the_socket() -> None:
    [server] = grpc_bootstrap("cart-7", "edge", UnixPlace("/run/xds.sock"))["xds_servers"]
    assert (server["server_uri"], server["channel_creds"]) == ("unix:/run/xds.sock", [{"type": "insecure"}])


def test_a_socket_that_linux_would_not_take_is_refused_in_words() -> None:
    with pytest.raises(InvalidConfig, match=r"too long for a Unix socket \(107 bytes at most\); give a shorter state"):
        made(admin=Path("/run") / ("x" * 103)).document()


def test_an_overlay_adds_to_objects_and_lists_and_replaces_the_rest() -> None:
    before = made().document()
    document = overlaid(
        {
            "stats_sinks": [SINK],
            "node": {"metadata": {"rack": 7}},
            "static_resources": {"clusters": [{"name": "statsd"}]},
            "admin": {"profile_path": "/tmp/profile"},
        }
    )
    assert document["stats_sinks"] == [SINK]
    assert document["node"] == {**before["node"], "metadata": {"tier": "edge", "rack": 7}}
    assert [each["name"] for each in document["static_resources"]["clusters"]] == ["fairlead", "statsd"]
    assert document["admin"]["address"] == before["admin"]["address"]
    assert document["dynamic_resources"] == before["dynamic_resources"]


def test_an_overlay_in_envoys_other_spelling_says_no_field_twice() -> None:
    document = overlaid({"staticResources": {"clusters": [{"name": "statsd"}]}})
    assert "staticResources" not in document
    assert len(document["static_resources"]["clusters"]) == 2


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ({"node": {"id": "another"}}, r"node\.id \(--node"),
        ({"node": {"cluster": "another"}}, r"node\.cluster \(--group"),
        (
            {"dynamic_resources": {"cds_config": {}}},
            r"dynamic_resources \(Envoy takes its configuration from the agent",
        ),
        ({"dynamicResources": {}}, r"dynamic_resources"),
        ({"admin": {"address": {}}}, r"admin\.address \(envoy\.admin"),
        ({"static_resources": {"clusters": [{"name": "fairlead"}]}}, r"static_resources\.clusters has fairlead"),
        ({"staticResources": {"clusters": [{"name": "fairlead"}]}}, r"static_resources\.clusters has fairlead"),
        ([], r"must be an object at its top"),
        ("text", r"must be an object at its top"),
    ],
)
def test_what_the_agent_lives_by_is_not_for_an_overlay(overlay: object, words: str) -> None:
    with pytest.raises(InvalidConfig, match=words) as refused:
        overlaid(overlay)
    assert "more.yaml" in refused.value.message


@pytest.mark.parametrize("text", ["stats_sinks: [{name: a}]", '{"stats_sinks": [{"name": "a"}]}'])
def test_an_overlay_may_be_yaml_or_json(text: str, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    overlay.write_text(text)
    assert json.loads(content_of(made(overlay=overlay)))["stats_sinks"] == [{"name": "a"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [("stats_sinks: [", "is neither YAML nor JSON"), ("- a", "must be an object"), (None, "cannot read the bootstrap")],
)
def test_an_overlay_that_cannot_be_used_is_named(text: str | None, words: str, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    if text is not None:
        overlay.write_text(text)
    with pytest.raises(InvalidConfig, match=words) as refused:
        content_of(made(overlay=overlay))
    assert str(overlay) in refused.value.message


def test_an_empty_overlay_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text("# nothing yet\n")
    assert content_of(made(overlay=tmp_path / "overlay.yaml")) == content_of(made())


def test_the_file_is_for_this_user_alone_and_not_touched_when_it_is_the_same(tmp_path: Path) -> None:
    file, content = tmp_path / "bootstrap.json", content_of(made())
    write_bootstrap(content, file)
    before = file.stat()
    assert stat.S_IMODE(before.st_mode) == 0o600
    write_bootstrap(content, file)
    assert file.stat().st_ino == before.st_ino
    write_bootstrap(content + b" ", file)
    assert file.stat().st_ino != before.st_ino


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "none").touch()
    with pytest.raises(InvalidConfig, match=r"cannot write Envoy's bootstrap .*/none/bootstrap\.json: "):
        write_bootstrap(b"{}", tmp_path / "none" / "bootstrap.json")


CALL = Call(Path("/run/b.json"), Path("/run/base_id"), 30, 45.4, ("--concurrency", "2"))


def test_a_call_tells_again_what_it_was() -> None:
    first, following = CALL.first(Path("/envoy"), hot=True), CALL.next(Path("/envoy"), Epoch(3, 77))
    assert epoch_of(first) == Epoch(0, None)
    assert epoch_of(following) == Epoch(3, 77)
    for arguments in (first, following, CALL.first(Path("/envoy"), hot=False)):
        assert made_by_agent(arguments, Path("/run/b.json"))
        assert not made_by_agent(arguments, Path("/run/other.json"))
        assert arguments[-2:] != ["--concurrency", "2"] or "--disable-hot-restart" not in arguments
    assert first[first.index("--parent-shutdown-time-s") + 1] == "45"


@pytest.mark.parametrize("arguments", [["vim", "/run/b.json"], ["envoy", "-c", "/run/b.json"], ["cat", "-c"], []])
def test_what_merely_names_the_bootstrap_is_not_the_agents_envoy(arguments: list[str]) -> None:
    assert not made_by_agent(arguments, Path("/run/b.json"))


@pytest.mark.parametrize("argument", ["-c", "--config-path=/a", "--config-yaml", "--base-id", "--mode=validate"])
def test_arguments_of_the_agent_are_refused(argument: str) -> None:
    with pytest.raises(InvalidConfig, match=argument.partition("=")[0]):
        checked(["--concurrency", "2", argument])


@pytest.mark.parametrize(
    ("text", "place"),
    [("unix:/run/a.sock", Path("/run/a.sock")), ("127.0.0.1:9901", Address("127.0.0.1", 9901))],
)
def test_an_admin_interface_is_a_socket_or_on_loopback(text: str, place: Path | Address) -> None:
    assert admin_place(text) == place


def test_an_admin_interface_that_the_network_could_reach_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="open to the network"):
        admin_place("10.0.0.1:9901")
