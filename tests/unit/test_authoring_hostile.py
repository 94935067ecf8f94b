"""Whatever is given, authoring answers with resources or findings: never another exception, never unprintable."""

from __future__ import annotations

import random

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.yaml_nodes import to_data
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.model import Document

HEAD = "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {name: web}\nspec:\n"
# Pieces that YAML gives a meaning to, so that chance finds more than syntax errors.
PIECES = st.sampled_from(
    ["a", "- ", ": ", "? ", "\n", "\n  ", "\n---\n", "[", "]", "{", "}", ",", "&a ", "*a", "!!str ", "<<: ", "'", '"',
     "|\n", ">", "# x\n", "%YAML 1.1\n", "...\n", "\t", "\r\n", "\x85", "\u2028", "\ufeff", "\\", "é", "😀", "1",
     "true", "null", "~", HEAD, '"@type": ', "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name", "kind",
     "spec", "metadata"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.text(max_size=8) | st.sampled_from(
    ["name", "type", "load_assignment", "metadata", "typed_config", "@type", "value"]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TYPES = st.sampled_from(
    ["envoy.config.cluster.v3.Cluster", "envoy.config.route.v3.RouteConfiguration", "google.protobuf.Struct",
     "envoy.config.listener.v3.Listener", "google.protobuf.Any", "google.protobuf.Duration", "nothing"]
)  # fmt: skip


def answers(content: bytes) -> None:
    compilation = compile_documents(load_default(), [Document("fairlead.yaml", content)])
    for finding in compilation.findings:
        assert str(finding).isprintable()
        assert finding.excerpt.isprintable()
        assert finding.line >= 1
        assert finding.column >= 1


@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"")
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_findings_or_documents(content: bytes) -> None:
    answers(content)


@given(st.lists(PIECES, max_size=40).map("".join))
@example('"a" b')
@example("? [a]\n: b\n? *x\n: &x c\n")
@example("a: [\n---\n---\n[")
@settings(max_examples=600, deadline=None)
def test_any_pieces_of_yaml_give_findings_or_documents(text: str) -> None:
    answers(text.encode())
    answers((HEAD + text).encode())


@given(TYPES, VALUES)
@settings(max_examples=300, deadline=None)
def test_any_value_in_a_resource_gives_findings_or_a_resource(type_name: str, value: object) -> None:
    spec = {"@type": f"type.googleapis.com/{type_name}", "name": "web"}
    spec |= value if isinstance(value, dict) else {"metadata": value}
    document = {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": "web"}, "spec": spec}
    answers(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"))


@given(VALUES.filter(lambda value: isinstance(value, dict)))
@settings(max_examples=200, deadline=None)
def test_what_is_sound_is_read_as_it_was_written(value: dict[str, object]) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    for tag in ("!!null ", "!!bool ", "!!int ", "!!float "):  # it writes everything quoted, and what it was
        text = text.replace(tag, "")
    file = read_yaml(text)
    assert file.mistakes == []
    assert [to_data(root) for root in file.documents] == [yaml.load(text, Loader=yaml.BaseLoader)]


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_documents_in_any_order_compile_to_the_same(names: list[str], chance: random.Random) -> None:
    kinds = ["connect_timeout: 1s", "connect_timeout: 0s", "nothing: 1", "type: EDS"]
    cluster = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    documents = []
    for index, name in enumerate(names):
        text = f'{HEAD.replace("web", f"d{index % 5}")}  "@type": {cluster}\n  name: {name}\n  {kinds[index % 4]}\n'
        documents.append(Document(f"{index % 3}/{name}.yaml", text.encode()))
    expected = compile_documents(load_default(), documents)
    chance.shuffle(documents)
    assert compile_documents(load_default(), documents) == expected
