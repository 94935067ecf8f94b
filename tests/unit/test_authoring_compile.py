"""Documents to a checked set of resources: names, order, origins, and what is refused as a whole."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from api.envoy.registry import load_default
from api.errors import Finding
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.files import read_documents
from snapshots.model import Document
from xds.protocol.resource import Reference
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKSPACE = "apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {name: shop}\nspec: {group: edge}\n"


def cluster(name: str, *, document: str = "", extra: str = "") -> str:
    return (
        f"apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {{name: {document or name}}}\nspec:\n"
        f'  "@type": {CLUSTER}\n  name: {name}\n  connect_timeout: 1s\n{extra}'
    )


def compiled(files: dict[str, str], **names: str) -> Compilation:
    documents = [Document(path, text.encode()) for path, text in files.items()]
    return compile_documents(load_default(), documents, **names)


def places(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{finding.path}:{finding.line}:{finding.column} {finding.code}" for finding in findings]


def test_the_first_example_compiles_without_a_word() -> None:
    compilation = compile_documents(load_default(), read_documents([EXAMPLES / "first"]))
    assert compilation.findings == ()
    assert (compilation.workspace, compilation.group) == ("first", "edge")
    found = [(each.resource.type_url, each.resource.name) for each in compilation.resources]
    assert found == [(CLUSTER, "hello"), (ENDPOINT, "hello"), (LISTENER, "http"), (ROUTE, "web")]


def test_resource_knows_its_place_its_references_and_its_version() -> None:
    eds = "  type: EDS\n  eds_cluster_config: {eds_config: {ads: {}}}\n"
    (one,) = compiled({"b/web.yaml": "# why\n---\n# more\n" + cluster("web", document="w", extra=eds)}).resources
    assert one.origin.path == "b/web.yaml"
    assert (one.origin.line, one.origin.column, one.origin.kind, one.origin.name) == (4, 1, "EnvoyResource", "w")
    assert one.resource.references == (Reference(ENDPOINT, "web"),)
    assert len(one.resource.version) == 16


def timed(ttl: str) -> dict[str, str]:
    return {
        "web.yaml": cluster("web").replace("{name: web}", f"{{name: web, annotations: {{fairlead.dev/ttl: {ttl}}}}}", 1)
    }


@pytest.mark.parametrize(("ttl", "ttl_ms"), [("1s", 1_000), ("30s", 30_000), ("1.5s", 1_500), ("86400s", 86_400_000)])
def test_a_time_to_live_is_part_of_the_resource_and_of_its_version(ttl: str, ttl_ms: int) -> None:
    (one,), (lasting,) = compiled(timed(ttl)).resources, compiled({"web.yaml": cluster("web")}).resources
    assert (one.resource.ttl_ms, lasting.resource.ttl_ms) == (ttl_ms, 0)
    assert one.resource.body == lasting.resource.body
    assert one.resource.version != lasting.resource.version


@pytest.mark.parametrize(
    ("ttl", "code", "hint"),
    [
        ("5m", "E0216", "write 300s"),
        ("soon", "E0216", "a number of seconds and the letter s"),
        ("0.5s", "E0216", ""),
        ("-5s", "E0216", ""),
        ("86401s", "E0216", ""),
        ('""', "E0216", "a number of seconds and the letter s"),
        ("30", "E0208", "put it in quotes"),
    ],
)
def test_a_time_to_live_that_cannot_be_is_told_on_its_line(ttl: str, code: str, hint: str) -> None:
    (finding,) = compiled(timed(ttl)).findings
    assert (finding.code, finding.line, finding.suggestion) == (code, 3, hint)
    assert "fairlead.dev/ttl" in finding.message


def test_without_a_workspace_everything_is_called_default_and_arguments_override() -> None:
    assert (compiled({}).workspace, compiled({}).group, compiled({}).ok) == ("default", "default", True)
    files = {"fairlead.yaml": WORKSPACE, "web.yaml": cluster("web")}
    assert (compiled(files).workspace, compiled(files).group) == ("shop", "edge")
    other = compiled(files, workspace="mine", group="eu")
    assert (other.workspace, other.group, other.resources[0].origin.workspace) == ("mine", "eu", "mine")


@pytest.mark.parametrize("name", ["Shop", "a/b", "-a", "a" * 64, "a b", "é", "a\n", "a\x1b[31m"])
def test_name_given_as_an_argument_is_checked_as_well(name: str) -> None:
    (finding,) = compiled({}, group=name).findings
    assert (finding.code, finding.field) == ("E0209", "group")
    assert str(finding).isprintable()


def test_order_of_documents_and_spelling_change_nothing() -> None:
    files = {f"{index}.yaml": cluster(f"c{index % 40}", document=f"d{index}") for index in range(50)}
    files["bad.yaml"] = "a: ["
    expected = compiled(files)
    for seed in range(5):
        shuffled = list(files.items())
        random.Random(seed).shuffle(shuffled)
        assert compiled(dict(shuffled)) == expected
    plain = compiled({"a.yaml": cluster("web", extra="  lb_policy: MAGLEV\n")}).resources[0].resource
    spelt = compiled({"a.yaml": cluster("web", extra="  'lbPolicy': \"MAGLEV\"  # a comment\n")}).resources[0].resource
    assert plain == spelt


def test_bad_document_hides_nothing_of_the_others() -> None:
    compilation = compiled(
        {
            "a.yaml": cluster("a") + "---\n" + cluster("b", extra="  foo: 1\n") + "---\nkind: [\n",
            "b.yaml": "\x00",
            "c.yaml": cluster("c", extra="  bar: 1\n"),
        }
    )
    assert places(compilation.findings) == [
        "a.yaml:16:3 E0301",
        "a.yaml:19:1 E0101",
        "b.yaml:1:1 E0103",
        "c.yaml:8:3 E0301",
    ]
    assert [each.resource.name for each in compilation.resources] == ["a"]


def test_second_of_two_names_is_reported_with_the_place_of_the_first() -> None:
    compilation = compiled({"z.yaml": cluster("web"), "a/one.yaml": cluster("web", document="other")})
    (finding,) = compilation.findings
    assert places((finding,)) == ["z.yaml:6:9 E0502"]
    assert "a/one.yaml:1" in finding.message
    assert finding.excerpt == "  name: web"
    assert [each.origin.path for each in compilation.resources] == ["a/one.yaml"]
    assert not compilation.ok


def test_same_name_in_another_type_is_no_duplicate() -> None:
    endpoint = (
        "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {name: web-endpoints}\nspec:\n"
        f'  "@type": {ENDPOINT}\n  cluster_name: web\n'
    )
    assert compiled({"a.yaml": cluster("web"), "b.yaml": endpoint}).ok


def test_second_workspace_is_refused_wherever_it_is() -> None:
    files = {"fairlead.yaml": WORKSPACE, "team/fairlead.yaml": WORKSPACE.replace("shop", "other")}
    assert places(compiled(files).findings) == ["team/fairlead.yaml:1:1 E0210"]
    assert compiled(files).workspace == "shop"


def test_warning_alone_refuses_nothing() -> None:
    compilation = compiled(
        {"web.yaml": cluster("web", extra="  type: EDS\n  eds_cluster_config: {eds_config: {ads: {}}}\n")}
    )
    (finding,) = compilation.findings
    assert (finding.code, finding.severity, compilation.ok) == ("W0504", "warning", True)
    assert (finding.line, finding.column) == (6, 9)
    assert len(compilation.resources) == 1


def test_resource_over_the_limit_is_refused() -> None:
    def with_numbers(count: int) -> Compilation:
        numbers = ",".join("1" * count)  # two bytes each as YAML, eleven each in the message
        extra = f"  metadata: {{filter_metadata: {{a: {{numbers: [{numbers}]}}}}}}\n"
        return compiled({"web.yaml": cluster("web", extra=extra)})

    assert with_numbers(95_000).ok
    (finding,) = with_numbers(99_000).findings
    assert (finding.code, finding.line, finding.column) == ("E0602", 1, 1)
    assert with_numbers(99_000).resources == ()


def test_file_over_the_limit_is_refused() -> None:
    (finding,) = compiled({"web.yaml": "#" * (4 * 1024 * 1024 + 1)}).findings
    assert (finding.code, finding.line) == ("E0601", 0)


def test_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    text = "\ufeff" + cluster("web", extra="  foo: 1\n").replace("\n", "\r\n")
    assert places(compiled({"web.yaml": text}).findings) == ["web.yaml:8:3 E0301"]
    assert compiled({"web.yaml": text}).findings[0].excerpt == "  foo: 1"


def test_a_thousand_documents_compile_in_a_fraction_of_what_is_promised() -> None:
    files = {f"{index}.yaml": cluster(f"c{index}", extra="  lb_policy: MAGLEV\n") for index in range(1000)}
    compiled({"warm.yaml": cluster("up")})
    begun = time.process_time()
    assert len(compiled(files).resources) == 1000
    assert time.process_time() - begun < 1.5
