"""One authored file -> what it holds. Depends on nothing but the file, so that the answer can be kept. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TypeVar

from api.envoy.registry import EnvoyApi
from api.errors import Finding
from snapshots.authoring.envelope import ENVOY_RESOURCE, WORKSPACE, Envelope, Report, kind_written, read_envelope
from snapshots.authoring.envoy_resource import compile_envoy_resource
from snapshots.authoring.envoy_statuses import envoy_status
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.kinds.table import BY_NAME, Kind
from snapshots.authoring.limits import FILE_LIMIT_BYTES, MIB
from snapshots.authoring.objects import AuthoredObject, read_object
from snapshots.authoring.source import LINE_BREAK, Mistake, Source
from snapshots.authoring.workspace import WorkspaceDocument, read_workspace
from snapshots.authoring.yaml_nodes import Mapping, Node, Place
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.codes import CONTROL_CHARACTER, FILE_TOO_LARGE, NOT_UTF8
from snapshots.model import Document
from xds.protocol.resource import Resource

# What YAML allows in a text (YAML 1.2, section 5.1), turned round.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class AuthoredResource:
    """A resource and the document it was written in."""

    path: str
    kind: str
    name: str
    place: Place
    resource: Resource


_Placed = TypeVar("_Placed", WorkspaceDocument, AuthoredResource, AuthoredObject)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that one file holds, in its order. `statuses`: those of its EnvoyResources."""

    path: str
    workspaces: tuple[WorkspaceDocument, ...] = ()
    resources: tuple[AuthoredResource, ...] = ()
    objects: tuple[AuthoredObject, ...] = ()
    findings: tuple[Finding, ...] = ()
    statuses: tuple[ObjectStatus, ...] = ()

    @property
    def is_notable(self) -> bool:
        """Whether there is more to say of it than what it holds."""
        return bool(self.workspaces or self.findings)

    def moved(self, lines: int) -> Contents:
        """The same, so many lines further down in the file. Not for what has findings, which show lines."""
        if not lines:
            return self
        return Contents(
            self.path,
            tuple(_moved(each, lines) for each in self.workspaces),
            tuple(_moved(each, lines) for each in self.resources),
            tuple(_moved(each, lines) for each in self.objects),
            self.findings,
            tuple(replace(each, subject=_moved(each.subject, lines)) for each in self.statuses),
        )


def _moved(each: _Placed, lines: int) -> _Placed:
    return replace(each, place=Place(each.place.line + lines, each.place.column))


def read_contents(api: EnvoyApi, document: Document) -> Contents:
    """Everything in `document`, and everything wrong with it. Never raises for what is in it."""
    source, refusal = decoded(document)
    if refusal is not None:
        return Contents(document.path, findings=(source.finding(refusal),))
    file = read_yaml(source.text)
    reading = _Reading(api, document.path, list(file.mistakes))
    for root in file.documents:
        reading.take(root)
    findings = tuple(source.finding(mistake) for mistake in reading.mistakes)
    read = (tuple(reading.workspaces), tuple(reading.resources), tuple(reading.objects))
    return Contents(document.path, *read, findings, tuple(reading.statuses))


def decoded(document: Document) -> tuple[Source, Mistake | None]:
    """The text of a file, and why it cannot be read as YAML at all."""
    content = document.content
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        source = Source(document.path, content.decode("utf-8", "replace"))
        before = content[: error.start].decode("utf-8", "replace")
        text = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        return source, Mistake(NOT_UTF8, text, _end_of(before), "save the file as UTF-8")
    source = Source(document.path, text)
    if len(content) > FILE_LIMIT_BYTES:
        text = f"the file has {len(content):,} bytes; a file may have {FILE_LIMIT_BYTES // MIB} MiB"
        return source, Mistake(FILE_TOO_LARGE, text, Place(0, 0), "split it")
    wrong = _UNPRINTABLE.search(text)
    if wrong is None:
        return source, None
    text = f"the control character U+{ord(wrong.group()):04X} cannot stand in YAML"
    return source, Mistake(CONTROL_CHARACTER, text, _end_of(source.text[: wrong.start()]), "remove it")


class _Reading:
    """The documents of one file, as far as they have been read."""

    def __init__(self, api: EnvoyApi, path: str, mistakes: list[Mistake]) -> None:
        self._api = api
        self._path = path
        self.mistakes = mistakes
        self.workspaces: list[WorkspaceDocument] = []
        self.resources: list[AuthoredResource] = []
        self.objects: list[AuthoredObject] = []
        self.statuses: list[ObjectStatus] = []

    def take(self, root: Node) -> None:
        report = Report()
        kind = BY_NAME.get(kind_written(root))
        if kind is not None and isinstance(root, Mapping):
            title = self._object(kind, root, report)
        else:
            title = self._own_kind(root, report)
        if title:
            report.mistakes = [replace(mistake, resource=title) for mistake in report.mistakes]
        self.mistakes += report.mistakes

    def _object(self, kind: Kind, root: Mapping, report: Report) -> str:
        found = read_object(kind, root, self._path, report)
        if found is None:
            return kind.name
        self.objects.append(found)
        return str(found.key)

    def _own_kind(self, root: Node, report: Report) -> str:
        envelope = read_envelope(root, report)
        if envelope is None:
            return ""
        _KINDS[envelope.kind](self, envelope, report)
        return f"{envelope.kind} {envelope.name}"

    def workspace(self, envelope: Envelope, report: Report) -> None:
        document = read_workspace(self._path, envelope, report)
        if document is not None:
            self.workspaces.append(document)

    def envoy_resource(self, envelope: Envelope, report: Report) -> None:
        resource = compile_envoy_resource(self._api, envelope, report)
        # With a mistake in its envelope the document is refused, though its spec may be right.
        if resource is not None and not report.errors:
            self.resources.append(AuthoredResource(self._path, envelope.kind, envelope.name, envelope.place, resource))
        wrong = next((each.message for each in report.mistakes if each.severity == "error"), "")
        self.statuses.append(envoy_status(self._path, envelope, wrong))


_KINDS = {WORKSPACE: _Reading.workspace, ENVOY_RESOURCE: _Reading.envoy_resource}


def _end_of(text: str) -> Place:
    """The place just after `text`."""
    lines = LINE_BREAK.split(text)
    return Place(len(lines), len(lines[-1]) + 1)
