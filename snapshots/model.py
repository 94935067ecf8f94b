"""The nouns that authoring, checks and the store share: documents, and resources with the place they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from xds.protocol.resource import Resource

WorkspaceName = NewType("WorkspaceName", str)

DEFAULT_GROUP = "default"
DEFAULT_WORKSPACE = "default"


@dataclass(frozen=True, slots=True)
class Document:
    """One authored file: `path` relative to the workspace's directory, with `/`; `content` as read."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a resource was authored: the workspace, the document's kind and name, and its first line (from 1)."""

    workspace: WorkspaceName
    path: str
    line: int
    column: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class CompiledResource:
    """A resource and where it came from."""

    resource: Resource
    origin: Origin
