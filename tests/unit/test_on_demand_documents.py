"""What a document says of being asked for: the hosts of a virtual host, and that only who names it is sent it."""

from __future__ import annotations

import pytest

from api.envoy.registry import load_default
from api.errors import Finding
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.files import read_documents
from snapshots.model import Document
from snapshots.store.forms import RESOURCES
from tests.builders import listener, on_demand, shop_host
from tests.spine import ROOT
from xds.protocol.resource import Resource
from xds.protocol.types import VIRTUAL_HOST


def compiled(text: str) -> tuple[list[Resource], tuple[Finding, ...]]:
    compilation = compile_documents(load_default(), [Document("hosts.yaml", text.encode())])
    return [each.resource for each in compilation.resources], compilation.findings


def a_virtual_host(name: str = "shop/web", domains: str = "[www.example.com]", metadata: str = "{name: web}") -> str:
    return (
        f"apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {metadata}\nspec:\n"
        f'  "@type": {VIRTUAL_HOST}\n  name: "{name}"\n  domains: {domains}\n'
    )


def annotated(value: str) -> str:
    return a_virtual_host(metadata=f"{{name: web, annotations: {{fairlead.dev/on-demand: {value}}}}}")


@pytest.mark.parametrize(
    ("name", "aliases"),
    [
        ("shop/web", ("shop/*.Example.com", "shop/www.example.com")),
        ("a/b/web", ("a/b/*.Example.com", "a/b/www.example.com")),
        ("/web", ("/*.Example.com", "/www.example.com")),
        ("web", ()),
    ],
)
def test_a_virtual_host_is_asked_for_by_its_domains(name: str, aliases: tuple[str, ...]) -> None:
    (resource,), _ = compiled(a_virtual_host(name, '[www.example.com, "*.Example.com"]'))
    assert (resource.name, resource.aliases) == (name, tuple(alias.replace("E", "e") for alias in aliases))


@pytest.mark.parametrize(("value", "is_on_demand"), [('"true"', True), ('"false"', False), ("'true'", True)])
def test_a_document_says_that_its_resource_is_on_demand(value: str, is_on_demand: bool) -> None:
    (resource,), findings = compiled(annotated(value))
    assert (resource.on_demand, findings) == (is_on_demand, ())


def test_without_the_annotation_it_is_not() -> None:
    (resource,), _ = compiled(a_virtual_host())
    assert not resource.on_demand


@pytest.mark.parametrize("value", ["yes", '"True"', "true", "1", "[]", "null"])
def test_anything_else_is_told_on_its_line(value: str) -> None:
    resources, findings = compiled(annotated(value))
    (finding,) = findings
    assert (resources, finding.severity, finding.line) == ([], "error", 3)
    assert "on-demand" in finding.message


@pytest.mark.parametrize(
    "name",
    [
        "xdstp://authority/envoy.config.cluster.v3.Cluster/a/b?c=d#e",
        "a b",
        "a*b",
        "größe-名前-🚀",
        "x" * 5_000,
        "/",
        ".",
    ],
)
def test_a_resource_may_be_called_anything_that_can_be_printed(name: str) -> None:
    (resource,), findings = compiled(a_virtual_host(name))
    assert (resource.name, [one for one in findings if one.severity == "error"]) == (name, [])


@pytest.mark.parametrize("name", ["*", "", "a\\nb", "\\u200b"])
def test_but_not_everything_nothing_or_what_cannot_be_seen(name: str) -> None:
    resources, findings = compiled(a_virtual_host(name))
    assert (resources, findings[0].code) == ([], "E0212")


@pytest.mark.parametrize(
    "resource",
    [shop_host("web", "a", "*.b"), shop_host("web", "a", on_demand=True), on_demand(listener("http", route="web"))],
)
def test_the_store_keeps_it(resource: Resource) -> None:
    kept = RESOURCES.decode((resource.type_url, resource.name), RESOURCES.encode(resource))
    assert kept == resource
    assert RESOURCES.encode(resource) != RESOURCES.encode(Resource.of(VIRTUAL_HOST, resource.name, resource.body))


def test_the_example_compiles_without_a_word() -> None:
    compilation = compile_documents(load_default(), read_documents([ROOT / "examples" / "on_demand"]))
    assert compilation.findings == ()
    assert {each.resource.name for each in compilation.resources if each.resource.on_demand} == {
        "shop",
        "web/any",
        "web/shop",
    }
