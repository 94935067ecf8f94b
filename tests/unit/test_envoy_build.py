"""Making the descriptor set out of a wheel, without importing anything of that wheel."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from api.envoy.build import FIELD_MASK, write_descriptor_set


def a_file(name: str, *imports: str, message: str = "M") -> FileDescriptorProto:
    file = FileDescriptorProto(name=name, package=name.removesuffix(".proto").replace("/", "."), dependency=imports)
    file.message_type.add(name=message)
    return file


def install_wheel(folder: Path, *files: FileDescriptorProto, body: str = "") -> None:
    """A distribution named xds-protos whose modules fail when they are imported."""
    info = folder / "xds_protos-1.85.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xds-protos\nVersion: 1.85.0\n")
    record = []
    for file in files:
        module = folder / file.name.replace(".proto", "_pb2.py")
        module.parent.mkdir(parents=True, exist_ok=True)
        literal = body or f"DESCRIPTOR = pool.Default().AddSerializedFile({file.SerializeToString()!r})"
        module.write_text(f"raise ImportError('only to be read')\n{literal}\n")
        record.append(f"{module.relative_to(folder)},,")
    (info / "RECORD").write_text("\n".join(record))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def written(path: Path) -> list[str]:
    write_descriptor_set(path)
    return [file.name for file in FileDescriptorSet.FromString(path.read_bytes()).file if file.name != FIELD_MASK]


def test_every_file_stands_after_its_imports_and_stands_once(site: Path, tmp_path: Path) -> None:
    install_wheel(
        site,
        a_file("envoy/a/v3/first.proto", "envoy/z/v3/last.proto", "xds/m/middle.proto"),
        a_file("envoy/z/v3/last.proto", "google/protobuf/any.proto"),
        a_file("xds/m/middle.proto", "envoy/z/v3/last.proto"),
    )
    names = written(tmp_path / "set")
    expected = ["google/protobuf/any.proto", "envoy/z/v3/last.proto", "xds/m/middle.proto", "envoy/a/v3/first.proto"]
    assert names == expected


def test_files_of_others_are_kept_only_when_something_imports_them(site: Path, tmp_path: Path) -> None:
    install_wheel(
        site,
        a_file("envoy/a/v3/a.proto", "google/api/used.proto"),
        a_file("google/api/used.proto"),
        a_file("google/api/unused.proto"),
        a_file("envoy/api/v2/retired.proto"),
        a_file("envoy/config/filter/x/v2alpha/retired.proto"),
    )
    assert written(tmp_path / "set") == ["google/api/used.proto", "envoy/a/v3/a.proto"]


def test_the_same_wheel_gives_the_same_bytes(site: Path, tmp_path: Path) -> None:
    install_wheel(site, a_file("envoy/b/v3/b.proto"), a_file("envoy/a/v3/a.proto", "envoy/b/v3/b.proto"))
    write_descriptor_set(tmp_path / "one")
    write_descriptor_set(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_source_comments_are_dropped(site: Path, tmp_path: Path) -> None:
    file = a_file("envoy/a/v3/a.proto")
    file.source_code_info.location.add(leading_comments="long")
    install_wheel(site, file)
    write_descriptor_set(tmp_path / "set")
    assert b"long" not in (tmp_path / "set").read_bytes()


def test_a_module_of_another_form_stops_the_build_and_is_named(site: Path, tmp_path: Path) -> None:
    install_wheel(site, a_file("envoy/a/v3/a.proto"), body="DESCRIPTOR = None")
    with pytest.raises(RuntimeError, match=r"no descriptor found in .*a_pb2\.py"):
        write_descriptor_set(tmp_path / "set")


def test_an_import_that_nobody_has_stops_the_build_and_is_named(site: Path, tmp_path: Path) -> None:
    install_wheel(site, a_file("envoy/a/v3/a.proto", "envoy/nowhere.proto"))
    with pytest.raises(RuntimeError, match=r"envoy/nowhere\.proto"):
        write_descriptor_set(tmp_path / "set")


def test_without_the_wheel_the_build_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(RuntimeError, match="xds-protos is not installed here"):
        write_descriptor_set(tmp_path / "set")
