"""Descriptor sets as bytes: splitting the built-in one, and laying an operator's over it.

A set is a serialised `google.protobuf.FileDescriptorSet`, as `protoc --include_imports --descriptor_set_out` and
`buf build` write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError

from api.errors import InvalidConfig

# Options are written in these; an older copy of them in a set would change what options mean.
PROTECTED = ("google/protobuf/", "validate/")


def built_in_files(serialized_set: bytes) -> dict[str, bytes]:
    """Serialised files by name, imports first, as the build wrote them."""
    files = FileDescriptorSet.FromString(serialized_set).file
    return {file.name: file.SerializeToString() for file in files}


def with_extra_files(built_in: Mapping[str, bytes], paths: Sequence[Path]) -> dict[str, bytes]:
    """`built_in` with the files of the sets at `paths` added, or put in place of those of the same name; imports first.

    Raises InvalidConfig when a set cannot be read, when two of them disagree on a file, or when an import is missing.
    """
    extra: dict[str, FileDescriptorProto] = {}
    source: dict[str, Path] = {}
    for path in paths:
        for file in _read(path).file:
            file.ClearField("source_code_info")
            if file.name in extra and extra[file.name] != file:
                raise InvalidConfig(f"descriptor sets {source[file.name]} and {path} disagree on {file.name}; keep one")
            extra[file.name], source[file.name] = file, path
    files = {name: FileDescriptorProto.FromString(serialized) for name, serialized in built_in.items()}
    files |= {name: file for name, file in extra.items() if not (name in files and name.startswith(PROTECTED))}
    return _imports_first(files, source)


def _read(path: Path) -> FileDescriptorSet:
    try:
        found = FileDescriptorSet.FromString(path.read_bytes())
    except OSError as error:
        raise InvalidConfig(f"cannot read the descriptor set {path}: {error.strerror}") from error
    except DecodeError as error:
        raise InvalidConfig(f"{path} is not a FileDescriptorSet; write it with protoc --descriptor_set_out") from error
    if not found.file or not all(file.name for file in found.file):
        raise InvalidConfig(f"{path} holds no descriptors; write it with protoc --descriptor_set_out")
    return found


def _imports_first(files: Mapping[str, FileDescriptorProto], source: Mapping[str, Path]) -> dict[str, bytes]:
    ordered: dict[str, bytes] = {}
    pending = list(files)[::-1]
    waiting: set[str] = set()
    while pending:
        name = pending[-1]
        missing = [imported for imported in files[name].dependency if imported not in ordered]
        if name in ordered or not missing:
            ordered.setdefault(name, files[name].SerializeToString())
            pending.pop()
            continue
        for imported in missing:
            if imported not in files:
                raise InvalidConfig(
                    f"{name} in descriptor set {source.get(name)} imports {imported}, which is nowhere;"
                    " write the set with protoc --include_imports"
                )
        if name in waiting:
            raise InvalidConfig(f"{name} in descriptor set {source.get(name)} imports itself in a circle")
        waiting.add(name)
        pending.extend(reversed(missing))
    return ordered
