"""Makes `descriptors.binpb`: Envoy's API as one FileDescriptorSet, from the descriptors inside the xds-protos wheel.

Runs while Fairlead is built, never while it runs. The wheel's modules are read, not imported: its top-level package
`xds` has the name of one of ours, and importing any of its modules would fill protobuf's default pool.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

DISTRIBUTION = "xds-protos"
# What a configuration may name. All else is kept only where one of these imports it.
ROOTS = ("envoy/", "google/rpc/", "udpa/", "validate/", "xds/")
# Envoy removed its v2 API years ago and refuses these types; they would only blur suggestions.
RETIRED = re.compile(r"^envoy/.*/v(?:1alpha\d*|2(?:alpha\d*)?)/|^envoy/type/(?!.*v3)|^envoy/config/cluster/redis/")
# Of protobuf's own, Envoy's API imports all others; this one may still stand in an Any.
FIELD_MASK = "google/protobuf/field_mask.proto"


def write_descriptor_set(path: Path) -> None:
    """Write the set to `path`: each file after its imports, the same bytes for the same wheel.

    Raises RuntimeError when the wheel is not installed or does not look as expected.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    files = dict(_wheel_descriptors())
    kept = FileDescriptorSet()
    roots = sorted(name for name in files if name.startswith(ROOTS) and not RETIRED.search(name))
    for file in _in_order(files, [*roots, FIELD_MASK]):
        entry = kept.file.add()
        entry.CopyFrom(file)
        entry.ClearField("source_code_info")
    path.write_bytes(kept.SerializeToString(deterministic=True))


def _wheel_descriptors() -> Iterator[tuple[str, FileDescriptorProto]]:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    for module in _modules():
        file = FileDescriptorProto.FromString(_embedded_descriptor(module))
        yield file.name, file


def _modules() -> list[Path]:
    try:
        listed = metadata.files(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        listed = None
    if not listed:
        raise RuntimeError(f"{DISTRIBUTION} is not installed here; it is a build requirement of Fairlead")
    return [Path(str(file.locate())) for file in listed if file.name.endswith("_pb2.py")]


def _embedded_descriptor(module: Path) -> bytes:
    """The bytes literal that a generated module hands to `AddSerializedFile`."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        match node:
            case ast.Call(func=ast.Attribute(attr="AddSerializedFile"), args=[ast.Constant(value=bytes(descriptor))]):
                return descriptor
    raise RuntimeError(f"no descriptor found in {module}; has {DISTRIBUTION} changed its form?")


def _in_order(files: Mapping[str, FileDescriptorProto], roots: Iterable[str]) -> Iterator[FileDescriptorProto]:
    """`roots` and all they import, each once, imports first."""
    done: set[str] = set()
    pending = list(reversed(list(roots)))
    while pending:
        name = pending[-1]
        file = files[name] if name in files else _runtime_descriptor(name)
        missing = [imported for imported in file.dependency if imported not in done]
        if missing:
            pending.extend(reversed(missing))
            continue
        pending.pop()
        if name not in done:
            done.add(name)
            yield file


def _runtime_descriptor(name: str) -> FileDescriptorProto:
    """google.protobuf's own files, which the wheel leaves to the protobuf runtime."""
    from google.protobuf import (
        any_pb2,
        descriptor_pb2,
        duration_pb2,
        empty_pb2,
        field_mask_pb2,
        struct_pb2,
        timestamp_pb2,
        type_pb2,
        wrappers_pb2,
    )

    modules: list[ModuleType] = [any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2]
    modules += [struct_pb2, timestamp_pb2, type_pb2, wrappers_pb2]
    for module in modules:
        if module.DESCRIPTOR.name == name:
            file = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(file)
            return file
    raise RuntimeError(f"{name} is imported by Envoy's API and is neither in {DISTRIBUTION} nor in protobuf")
