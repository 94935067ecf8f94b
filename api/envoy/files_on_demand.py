"""Descriptor files that a pool takes in when a type of theirs is first asked for: most of Envoy's API is never used.

A pool asks for files by name when others import them, and by a symbol (`envoy.config.cluster.v3.Cluster`) when a type
is looked up. Source: `google.protobuf.descriptor_pool.DescriptorPool`, `descriptor_db`, which also names the methods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto


class FilesOnDemand:
    """Serialised files by name, each of which imports only others of them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._by_package: dict[str, list[str]] = defaultdict(list)
        for name, serialized in files.items():
            self._by_package[FileDescriptorProto.FromString(serialized).package].append(name)

    def FindFileByName(self, name: str) -> FileDescriptorProto:
        """Raises KeyError."""
        return FileDescriptorProto.FromString(self._files[name])

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptorProto:
        """Raises KeyError."""
        package, dot, rest = symbol.rpartition(".")
        outermost = rest
        while dot and package not in self._by_package:
            package, dot, outermost = package.rpartition(".")
        for name in self._by_package.get(package, ()):
            file = self.FindFileByName(name)
            if outermost in _symbols(file):
                return file
        raise KeyError(symbol)


def _symbols(file: FileDescriptorProto) -> set[str]:
    """What it has at its top."""
    declared: tuple[Iterable[Any], ...] = (file.message_type, file.enum_type, file.service, file.extension)
    return {each.name for kind in declared for each in kind}
