"""The private pool: what it knows, what it suggests, and descriptor sets of an operator laid over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from api.envoy.descriptor_sets import built_in_files
from api.envoy.registry import DESCRIPTORS, EnvoyApi, load_default, type_url_of
from api.envoy.resources import NAME_FIELDS
from api.errors import InvalidConfig
from xds.protocol.types import BY_URL, CLUSTER

PREFIX = "type.googleapis.com/"


def nested(message: Any) -> Iterator[str]:
    yield message.full_name
    for each in message.nested_types:
        yield from nested(each)


def a_set(path: Path, *files: FileDescriptorProto) -> Path:
    path.write_bytes(FileDescriptorSet(file=files).SerializeToString())
    return path


def an_extension(name: str = "acme/filter.proto", field: str = "limit", imports: str = "") -> FileDescriptorProto:
    file = FileDescriptorProto(name=name, package="acme.v1", syntax="proto3", dependency=[imports] if imports else [])
    kind = FieldDescriptorProto.TYPE_UINT32
    file.message_type.add(name="Filter").field.add(
        name=field, number=1, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL
    )
    return file


@pytest.mark.parametrize("url", sorted(BY_URL))
def test_every_resource_type_is_known_and_has_a_name_field(url: str) -> None:
    message = load_default().new(url.removeprefix(PREFIX))
    assert load_default().knows(url)
    assert type_url_of(message) == url
    assert NAME_FIELDS[url] in message.DESCRIPTOR.fields_by_name


@pytest.mark.parametrize(
    "full_name",
    [
        "envoy.service.discovery.v3.DeltaDiscoveryRequest",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.admin.v3.ConfigDump",
        "udpa.type.v1.TypedStruct",
        "xds.type.v3.TypedStruct",
        "validate.FieldRules",
        "google.rpc.Status",
        "google.protobuf.Struct",
    ],
)
def test_what_envoy_speaks_is_in_the_pool(full_name: str) -> None:
    assert load_default().message_class(full_name).DESCRIPTOR.full_name == full_name


def test_envoys_types_never_reach_the_default_pool() -> None:
    load_default().new("envoy.config.cluster.v3.Cluster")
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("envoy.config.cluster.v3.Cluster")


def test_importing_the_registry_reads_no_descriptors() -> None:
    script = (
        "import pathlib\n"
        "def refuse(path): raise SystemExit(f'read {path}')\n"
        "pathlib.Path.read_bytes = refuse\n"
        "from api.envoy import deterministic, json_form, registry, resources, rules\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=90).returncode == 0


def test_the_built_in_api_is_loaded_once() -> None:
    assert load_default() is load_default()


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("type.googleapis.com/envoy.config.cluster.v2.Cluster", CLUSTER),
        ("type.googleapis.com/envoy.config.cluster.v3.Clutser", CLUSTER),
        ("type.googleapis.com/envoy.api.v2.Cluster", CLUSTER),
        ("envoy.config.cluster.v3.Cluster", CLUSTER),
    ],
)
def test_an_unknown_type_is_answered_with_the_one_that_was_meant(url: str, meant: str) -> None:
    assert not load_default().knows(url)
    assert load_default().similar_types(url)[0] == meant


def test_a_name_of_any_length_is_answered_at_once() -> None:
    assert load_default().similar_types("type.googleapis.com/" + "envoy.Cluster" * 100_000) == ()


def test_a_name_like_no_other_has_no_suggestion() -> None:
    assert load_default().similar_types("type.googleapis.com/acme.v1.Zzyzxqq") == ()


def test_bytes_that_are_no_message_are_refused() -> None:
    with pytest.raises(InvalidConfig, match=r"are not a envoy\.config\.cluster\.v3\.Cluster"):
        load_default().parse(CLUSTER, b"\xff\xff\xff")


def test_an_unknown_message_type_is_refused_by_name() -> None:
    with pytest.raises(InvalidConfig, match=r'Clustre; did you mean "envoy\.config\.cluster\.v3\.Cluster"'):
        load_default().new("envoy.config.cluster.v3.Clustre")


def test_an_operators_set_adds_types(tmp_path: Path) -> None:
    api = EnvoyApi.load([a_set(tmp_path / "acme.binpb", an_extension())])
    assert api.knows(PREFIX + "acme.v1.Filter")
    assert api.knows(CLUSTER)
    assert not load_default().knows(PREFIX + "acme.v1.Filter")


def test_an_operators_set_may_bring_a_newer_version_of_a_built_in_file(tmp_path: Path) -> None:
    newer = FileDescriptorProto()
    load_default().pool.FindFileByName("envoy/config/cluster/v3/cluster.proto").CopyToProto(newer)
    cluster = next(message for message in newer.message_type if message.name == "Cluster")
    cluster.field.add(name="from_the_future", number=999, type=9, label=FieldDescriptorProto.LABEL_OPTIONAL)
    api = EnvoyApi.load([a_set(tmp_path / "newer.binpb", newer)])
    assert "from_the_future" in api.new("envoy.config.cluster.v3.Cluster").DESCRIPTOR.fields_by_name


def test_a_set_in_any_order_is_taken(tmp_path: Path) -> None:
    user = an_extension(imports="acme/base.proto")
    base = FileDescriptorProto(name="acme/base.proto", package="acme.base")
    assert EnvoyApi.load([a_set(tmp_path / "set.binpb", user, base)]).knows(PREFIX + "acme.v1.Filter")


def test_the_same_file_in_two_sets_is_no_conflict(tmp_path: Path) -> None:
    sets = [a_set(tmp_path / name, an_extension()) for name in ("a.binpb", "b.binpb")]
    assert EnvoyApi.load(sets).knows(PREFIX + "acme.v1.Filter")


def test_sets_that_disagree_on_a_file_are_both_named(tmp_path: Path) -> None:
    sets = [a_set(tmp_path / "a.binpb", an_extension()), a_set(tmp_path / "b.binpb", an_extension(field="other"))]
    with pytest.raises(InvalidConfig, match=r"a\.binpb and .*b\.binpb disagree on acme/filter\.proto"):
        EnvoyApi.load(sets)


def test_a_type_that_two_files_define_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"acme/(again|filter)\.proto does not fit"):
        EnvoyApi.load([a_set(tmp_path / "set.binpb", an_extension(), an_extension("acme/again.proto"))])


def test_files_that_import_each_other_are_refused(tmp_path: Path) -> None:
    one = an_extension("acme/one.proto", imports="acme/two.proto")
    two = an_extension("acme/two.proto", imports="acme/one.proto")
    with pytest.raises(InvalidConfig, match="imports itself in a circle"):
        EnvoyApi.load([a_set(tmp_path / "set.binpb", one, two)])


def test_a_set_without_its_imports_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"imports acme/base\.proto, which is nowhere; .*--include_imports"):
        EnvoyApi.load([a_set(tmp_path / "set.binpb", an_extension(imports="acme/base.proto"))])


@pytest.mark.parametrize("content", [b"", b"not a descriptor set", b"\x0a\x00"])
def test_a_file_that_is_no_descriptor_set_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.binpb").write_bytes(content)
    with pytest.raises(InvalidConfig, match=r"broken\.binpb .*protoc --descriptor_set_out"):
        EnvoyApi.load([tmp_path / "broken.binpb"])


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"cannot read the descriptor set .*nowhere\.binpb: No such file"):
        EnvoyApi.load([tmp_path / "nowhere.binpb"])


def test_on_demand_everything_is_known_that_is_known_otherwise() -> None:
    whole, files = load_default(), built_in_files((resources.files("api.envoy") / DESCRIPTORS).read_bytes())
    tops = (top for name in files for top in whole.pool.FindFileByName(name).message_types_by_name.values())
    names = [name for top in tops for name in nested(top)]
    on_demand = EnvoyApi.load(on_demand=True)
    assert len(names) > 1_000
    # From the last, so that most files are found by a type of theirs, and not by who imports them.
    for name in reversed(names):
        descriptors = [each.message_class(name).DESCRIPTOR for each in (whole, on_demand)]
        assert [field.name for field in descriptors[0].fields] == [field.name for field in descriptors[1].fields], name


@pytest.mark.parametrize("name", ["Cluster", "envoy.config.cluster.v3", "envoy.config.cluster.v3.Clusters", "a.b.C"])
def test_on_demand_what_is_no_type_is_none(name: str) -> None:
    api = EnvoyApi.load(on_demand=True)
    assert not api.knows(PREFIX + name)
    with pytest.raises(InvalidConfig, match=f"unknown message type {name}"):
        api.new(name)
