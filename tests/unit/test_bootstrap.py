"""What a client starts with: Envoy's own schema and rules accept it, and gRPC finds its fields where it looks."""

from __future__ import annotations

import json

import pytest
import yaml

from api.cli import main as entry
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.envoy.rules import violations
from xds.bootstrap import (
    CLUSTER_NAME,
    Place,
    TlsFiles,
    config_source,
    envoy_bootstrap,
    grpc_bootstrap,
    with_load_reports,
)
from xds.protocol.variant import Variant

ENVOY_TYPE = "type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap"
MUTUAL = TlsFiles("/etc/ca.pem", "/etc/me.pem", "/etc/me.key")
OFFLINE = ("--group", "edge", "--xds-address", "127.0.0.1:18000")


@pytest.mark.parametrize("per_type", [False, True], ids=["ads", "per-type"])
@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize("tls", [None, TlsFiles("/etc/ca.pem"), MUTUAL], ids=["plaintext", "tls", "mutual"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fairlead.example.net"])
def test_envoys_own_schema_and_rules_accept_it(
    host: str, tls: TlsFiles | None, variant: Variant, per_type: bool
) -> None:
    api = load_default()
    document = envoy_bootstrap("edge-1", "edge", Place(host, 18000, tls), variant, per_type=per_type)
    parsed = from_json(api, {"@type": ENVOY_TYPE, **document})
    assert parsed.problems == ()
    assert parsed.message is not None
    assert violations(api, parsed.message) == ()


def test_envoy_speaks_the_incremental_variant_over_ads_and_names_itself_once() -> None:
    resources = envoy_bootstrap("edge-1", "edge", Place("127.0.0.1", 18000))["dynamic_resources"]
    assert resources["ads_config"]["api_type"] == "DELTA_GRPC"
    assert resources["ads_config"]["set_node_on_first_message_only"] is True
    assert resources["lds_config"] == resources["cds_config"] == {"resource_api_version": "V3", "ads": {}}


@pytest.mark.parametrize(("variant", "api_type"), [(Variant.DELTA, "DELTA_GRPC"), (Variant.STATE_OF_THE_WORLD, "GRPC")])
def test_without_ads_envoy_asks_the_service_of_each_type(variant: Variant, api_type: str) -> None:
    place = Place("127.0.0.1", 18000)
    resources = envoy_bootstrap("edge-1", "edge", place, variant, per_type=True)["dynamic_resources"]
    assert resources.keys() == {"lds_config", "cds_config"}
    assert resources["lds_config"] == resources["cds_config"] == config_source(variant, per_type=True)
    asked = resources["lds_config"]["api_config_source"]
    assert (asked["api_type"], asked["set_node_on_first_message_only"]) == (api_type, True)
    assert asked["grpc_services"] == [{"envoy_grpc": {"cluster_name": CLUSTER_NAME}}]


def test_envoys_admin_port_is_on_loopback() -> None:
    admin = envoy_bootstrap("edge-1", "edge", Place("fairlead.example.net", 18000))["admin"]
    assert admin["address"]["socket_address"]["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "san_type", "resolved", "sni"),
    [("fairlead.example.net", "DNS", "STRICT_DNS", "fairlead.example.net"), ("::1", "IP_ADDRESS", "STATIC", None)],
)
def test_envoy_checks_that_the_certificate_is_this_servers(host: str, san_type: str, resolved: str, sni: str) -> None:
    place = Place(host, 18000, TlsFiles("/etc/ca.pem"))
    [cluster] = envoy_bootstrap("edge-1", "edge", place)["static_resources"]["clusters"]
    context = cluster["transport_socket"]["typed_config"]
    [name] = context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert (name, cluster["type"]) == ({"san_type": san_type, "matcher": {"exact": host}}, resolved)
    assert context.get("sni") == sni


def test_a_grpc_client_finds_server_credentials_and_node() -> None:
    document = grpc_bootstrap("cart-7", "services", Place("::1", 18000, MUTUAL))
    [server] = document["xds_servers"]
    assert server["server_uri"] == "[::1]:18000"
    files = {"ca_certificate_file": "/etc/ca.pem", "certificate_file": "/etc/me.pem", "private_key_file": "/etc/me.key"}
    assert server["channel_creds"] == [{"type": "tls", "config": files}]
    assert server["server_features"] == ["xds_v3"]
    assert document["node"] == {"id": "cart-7", "cluster": "services", "locality": {}}


def test_without_a_ca_a_grpc_client_speaks_plaintext() -> None:
    [server] = grpc_bootstrap("cart-7", "services", Place("127.0.0.1", 18000))["xds_servers"]
    assert server["channel_creds"] == [{"type": "insecure"}]


@pytest.mark.parametrize(
    ("form", "read"), [((), yaml.safe_load), (("-o", "yaml"), yaml.safe_load), (("-o", "json"), json.loads)]
)
def test_the_command_prints_the_bootstrap_of_an_envoy(
    form: tuple[str, ...], read: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(["bootstrap", "envoy", "--node", "edge-1", *OFFLINE, *form]) == 0
    assert read(capsys.readouterr().out) == envoy_bootstrap("edge-1", "edge", Place("127.0.0.1", 18000))  # type: ignore[operator]


@pytest.mark.parametrize("kind", [(), ("--per-type",)])
def test_the_command_prints_no_yaml_alias(kind: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["bootstrap", "envoy", *OFFLINE, *kind]) == 0
    assert "*id" not in capsys.readouterr().out


def test_the_command_prints_the_bootstrap_of_an_envoy_without_ads(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["bootstrap", "envoy", "--node", "edge-1", *OFFLINE, "--variant", "sotw", "--per-type"]) == 0
    place = Place("127.0.0.1", 18000)
    expected = envoy_bootstrap("edge-1", "edge", place, Variant.STATE_OF_THE_WORLD, per_type=True)
    assert yaml.safe_load(capsys.readouterr().out) == expected


def test_the_command_prints_the_bootstrap_of_an_envoy_that_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["bootstrap", "envoy", "--node", "edge-1", *OFFLINE, "--load-reports"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed == with_load_reports(envoy_bootstrap("edge-1", "edge", Place("127.0.0.1", 18000)))
    services = printed["cluster_manager"]["load_stats_config"]["grpc_services"]
    assert services == printed["dynamic_resources"]["ads_config"]["grpc_services"]


def test_the_command_prints_the_bootstrap_of_a_grpc_client_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["bootstrap", "grpc", "--node", "cart-7", *OFFLINE]) == 0
    assert json.loads(capsys.readouterr().out) == grpc_bootstrap("cart-7", "edge", Place("127.0.0.1", 18000))


@pytest.mark.parametrize(
    "wrong",
    [
        ("grpc", *OFFLINE, "--variant", "delta"),
        ("grpc", *OFFLINE, "--per-type"),
        ("grpc", *OFFLINE, "-o", "yaml"),
        ("grpc", *OFFLINE, "--load-reports"),
        ("envoy", *OFFLINE, "--cert", "me.pem", "--ca", "ca.pem"),
        ("envoy", *OFFLINE, "--cert", "me.pem", "--key", "me.key"),
        ("envoy", "--group", "edge", "--xds-address", "127.0.0.1"),
        ("envoy", "--group", "edge", "--xds-address", "127.0.0.1:0"),
        ("nginx",),
    ],
    ids=" ".join,
)
def test_what_cannot_work_is_a_wrong_command_line(wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["bootstrap", *wrong]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Error:" in printed.err


def test_an_agent_beside_the_client_is_found_by_its_socket(capsys: pytest.CaptureFixture[str]) -> None:
    beside = ("--group", "edge", "--xds-address", "unix:/run/fairlead-agent/xds.sock")
    assert entry.main(["bootstrap", "grpc", "--node", "cart-7", *beside]) == 0
    (server,) = json.loads(capsys.readouterr().out)["xds_servers"]
    assert server["server_uri"] == "unix:/run/fairlead-agent/xds.sock"
    assert entry.main(["bootstrap", "envoy", "--node", "edge-1", *beside, "-o", "json"]) == 0
    (cluster,) = json.loads(capsys.readouterr().out)["static_resources"]["clusters"]
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["pipe"]["path"] == "/run/fairlead-agent/xds.sock"
    assert entry.main(["bootstrap", "grpc", *beside, "--ca", "/etc/ca.pem"]) == 2
