"""What is said of fields; and the JSON Schema of documents, which refuses what a field cannot hold and nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.envoy.registry import load_default
from api.errors import NotFound
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.kinds.describe import describe, every_field
from snapshots.authoring.kinds.describe_envoy import describe_envoy
from snapshots.authoring.kinds.documents import KIND_NAMES
from snapshots.authoring.kinds.editor_schema import documents_schema, kind_schema
from snapshots.authoring.kinds.envoy_schema import message_schema
from snapshots.authoring.kinds.meanings import KINDS
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.yaml_nodes import to_data
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import Document
from tests.spine import ROOT
from xds.protocol.types import RESOURCE_TYPES

WRONG = ROOT / "tests" / "corpus" / "wrong"
# An Envoy's own configuration and a workflow stand among them, too.
EXAMPLES = sorted(path for path in (ROOT / "examples").rglob("*.yaml") if "\nkind: " in f"\n{path.read_text('utf-8')}")
# What a field cannot hold: the schema sees it. Everything else needs more than one field, or other documents.
SCHEMA_CODES = {"E0202", "E0204", "E0205", "E0207", "E0208", "E0209", "E0214", "E0301", "E0303"}
# A text with a form of its own; what a patch says of a message that only its target has.
BEYOND_THE_SCHEMA = {"object-time", "patch-unknown-field"}


@cache
def whole() -> Draft202012Validator:
    schema = documents_schema(load_default())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def documents(path: Path) -> Iterator[Any]:
    return (to_data(root) for root in read_yaml(path.read_text("utf-8")).documents)


def errors(path: Path) -> list[str]:
    return [f"{error.json_path}: {error.message}" for each in documents(path) for error in whole().iter_errors(each)]


@pytest.mark.parametrize("path", EXAMPLES, ids=[str(path.relative_to(ROOT)) for path in EXAMPLES])
def test_documents_of_the_examples_fit_the_schema(path: Path) -> None:
    assert errors(path) == []


def wrong_documents() -> dict[str, set[str]]:
    lines = (WRONG.parent / "expected.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: set(rest[1::2]) for name, *rest in rows}


@pytest.mark.parametrize(
    "name",
    [name for name, codes in wrong_documents().items() if codes <= SCHEMA_CODES and name not in BEYOND_THE_SCHEMA],
)
def test_what_a_field_cannot_hold_does_not_fit_the_schema(name: str) -> None:
    assert errors(WRONG / f"{name}.yaml")


@pytest.mark.parametrize(
    "name",
    [name for name, codes in wrong_documents().items() if codes and all(code[1:3] in ("05", "11") for code in codes)],
)
def test_what_only_other_documents_make_wrong_fits_the_schema(name: str) -> None:
    assert errors(WRONG / f"{name}.yaml") == []


def test_the_schema_picks_by_kind_and_says_where() -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"rules": [{"backendRefs": [{"name": "carts", "port": 0}]}]},
    }
    (found,) = whole().iter_errors(route)
    assert found.json_path == "$.spec.rules[0].backendRefs[0].port"
    assert [*whole().iter_errors({**route, "kind": "Service"})], "another kind has other fields"


@pytest.mark.parametrize("name", KIND_NAMES)
def test_each_kind_has_a_schema_of_its_own(name: str) -> None:
    schema = kind_schema(load_default(), name)
    assert schema["$defs"][name]["description"] == KINDS[name]
    assert json.dumps(schema) == json.dumps(kind_schema(load_default(), name))


@pytest.mark.parametrize("row", RESOURCE_TYPES, ids=[row.short for row in RESOURCE_TYPES])
def test_each_resource_type_has_a_schema(row: Any) -> None:
    validator = Draft202012Validator(message_schema(load_default(), row.url.partition("/")[2]))
    assert not [*validator.iter_errors({"@type": row.url, "name": "web"})] or row.short == "endpoint"
    assert [*validator.iter_errors({"@type": row.url, "nmae": "web"})]


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("type", "STRICT_DNS", True),
        ("type", "STRICT_DSN", False),
        ("type", 1, True),
        ("lbPolicy", None, True),
        ("connect_timeout", "1.5s", True),
        ("connect_timeout", "1m", False),
        ("per_connection_buffer_limit_bytes", "77", True),
        ("per_connection_buffer_limit_bytes", True, False),
        ("outlier_detection", {"consecutive5xx": 3}, True),
        ("outlier_detection", {"consecutive_6xx": 3}, False),
        ("health_checks", {}, False),
        ("typed_extension_protocol_options", {"x": {"@type": "y", "anything": 1}}, True),
        ("typed_extension_protocol_options", {"x": {}}, False),
    ],
)
def test_the_spec_of_an_envoy_resource_is_that_of_its_type(field: str, value: Any, fits: bool) -> None:
    spec = {"@type": RESOURCE_TYPES[1].url, "name": "web", field: value}
    document = {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": "web"}, "spec": spec}
    assert whole().is_valid(document) is fits


@pytest.mark.parametrize("name", KIND_NAMES)
def test_every_field_has_a_meaning_and_every_kind_is_read(name: str) -> None:
    assert KINDS[name]
    fields = every_field(name)
    assert [each.path for each in fields if not each.meaning] == []
    assert all(each.meaning.isprintable() and each.meaning.endswith(".") for each in fields)
    assert {"apiVersion", "kind", "metadata"} <= {each.name for each in describe(name).fields}


def test_metadata_that_is_explained_is_metadata_that_is_read() -> None:
    """The models of whole documents say the same as the reader of documents."""
    for name, row in BY_NAME.items():
        names = {each.name for each in describe(f"{name}.metadata").fields}
        text = "".join(f"  {each}: x\n" for each in sorted(names - {"labels", "annotations", "creationTimestamp"}))
        document = f"apiVersion: {row.api_versions[0]}\nkind: {name}\nmetadata:\n{text}  nonsense: 1\n"
        found = compile_documents(load_default(), [Document("a.yaml", document.encode())]).findings
        unknown = [each.field for each in found if each.code == "E0207" and each.field.startswith("metadata")]
        assert unknown == ["metadata.nonsense"]


def test_a_field_is_described_with_all_that_it_takes() -> None:
    matches = describe("httproute.spec.rules[0].matches")
    assert (matches.path, matches.type) == ("HTTPRoute.spec.rules.matches", "list of HTTPRouteMatch")
    assert (matches.required, matches.limits) == (False, ("0 to 64 items",))
    assert matches.default == '[{"path":{"type":"PathPrefix","value":"/"}}]'
    assert [each.name for each in matches.fields] == ["path", "headers", "queryParams", "method"]
    assert "PATCH" in matches.fields[3].allowed
    port = describe("Gateway.spec.listeners.port")
    assert (port.required, port.limits, port.fields) == (True, ("1 to 65535",), ())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("HTTPRout", 'no kind "HTTPRout"; did you mean "HTTPRoute"'),
        ("htproute", 'did you mean "HTTPRoute"'),
        ("Deployment", "kinds: Workspace, "),
        ("HTTPRoute.spec.ruls", 'HTTPRoute.spec has no field "ruls"; did you mean "rules"'),
        ("HTTPRoute.spec.hostnames.x", "HTTPRoute.spec.hostnames is list of text: it has no fields"),
        ("", "no kind"),
        ("HTTPRoute..spec", "has no field"),
    ],
)
def test_what_is_not_there_is_said_with_what_may_be_meant(path: str, words: str) -> None:
    with pytest.raises(NotFound, match=words.replace("[", "\\[")):
        describe(path)


def test_fields_of_envoy_are_described_from_its_descriptors() -> None:
    timeout = describe_envoy(load_default(), "envoy.config.cluster.v3.Cluster.connect_timeout")
    assert (timeout.type, timeout.limits) == ("duration, such as 1.5s", ("duration.gt: 0s",))
    policy = describe_envoy(load_default(), "envoy.config.cluster.v3.Cluster.lbPolicy")
    assert policy.path.endswith("lb_policy")
    assert "ROUND_ROBIN" in policy.allowed
    nested = describe_envoy(load_default(), "envoy.config.listener.v3.Listener.address.socket_address.port_value")
    assert nested.limits == ("uint32.lte: 65535",)
    assert "named_port" in nested.meaning


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("envoy.config.cluster.v3.Clustr", 'did you mean "envoy.config.cluster.v3.Cluster"'),
        ("envoy.config.cluster.v3.Cluster.connect_timeot", 'did you mean "connect_timeout"'),
        ("envoy.config.cluster.v3.Cluster.name.x", "it has no fields"),
        ("envoy.", "no message"),
    ],
)
def test_what_envoy_does_not_have_is_said_with_what_may_be_meant(path: str, words: str) -> None:
    with pytest.raises(NotFound, match=words):
        describe_envoy(load_default(), path)


@pytest.mark.parametrize(
    "at", ["Workspace.spec", "Workspace.spec.budgets", "Workspace.metadata", "EnvoyResource.metadata"]
)
def test_fields_of_our_own_kinds_that_are_explained_are_those_that_are_read(at: str) -> None:
    kind, *steps = at.split(".")
    document: dict[str, Any] = {"apiVersion": "fairlead.dev/v1", "kind": kind, "metadata": {"name": "x"}, "spec": {}}
    here = document
    for step in steps:
        here = here.setdefault(step, {})
    here["#"] = 1
    found = compile_documents(load_default(), [Document("fairlead.yaml", json.dumps(document).encode())]).findings
    (unknown,) = (each for each in found if each.code == "E0207")
    assert unknown.suggestion == f"known here: {', '.join(each.name for each in describe(at).fields)}"
