"""A document of one of `kinds` -> an object: its metadata and its typed model. Says all that is wrong. No I/O here.

A sound document is read in one step; only of one that is not, every mistake is looked for, one by one (`mismatches`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from api.envoy.problem import path_text
from snapshots.authoring.envelope import Report, only_fields, text_at
from snapshots.authoring.kinds.model import Wrong
from snapshots.authoring.kinds.table import Kind
from snapshots.authoring.mismatches import mismatches
from snapshots.authoring.names import NAME_LIMIT, SHORT_NAME_LIMIT, name_problem
from snapshots.authoring.yaml_nodes import Mapping, Place, Scalar, describe, place_of, to_data
from snapshots.codes import FIELDS_DISAGREE, INVALID_NAME, UNKNOWN_API_VERSION, WRONG_TYPE

DEFAULT_NAMESPACE = "default"
# What a manifest taken from a cluster carries, and what we read of it.
_METADATA_FIELDS = (
    *("name", "namespace", "labels", "annotations", "creationTimestamp", "generation"),
    *("uid", "resourceVersion", "managedFields", "ownerReferences", "finalizers", "generateName", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)
_ENVELOPE_FIELDS = frozenset({"apiVersion", "kind", "metadata", "status"})


class ObjectKey(NamedTuple):
    """What names an object within a workspace. `namespace` is empty for kinds that have none."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`HTTPRoute shop/web`, as people say it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class AuthoredObject:
    """One object. `created_s` (Unix) is 0 without a creationTimestamp. `model` is of its kind's type."""

    key: ObjectKey
    api_version: str
    model: Any
    path: str
    place: Place
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    created_s: float = 0.0
    generation: int = 0

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @property
    def name(self) -> str:
        return self.key.name

    def says_the_same(self, other: AuthoredObject) -> bool:
        """Whether the two differ in their places at most: what is made of them is the same."""
        return self is other or (self.model is other.model and self._rest == other._rest) or self._all == other._all

    @property
    def _rest(self) -> tuple[object, ...]:
        return (self.key, self.api_version, self.labels, self.annotations, self.created_s, self.generation)

    @property
    def _all(self) -> tuple[object, ...]:
        return (*self._rest, self.model)


def read_object(kind: Kind, root: Mapping, path: str, report: Report) -> AuthoredObject | None:
    """The object in `root`; None if anything is wrong with it, and then `report` says what."""
    _api_version(kind, root, report)
    metadata = _metadata(kind, root, report)
    model = _model(kind, root, report)
    if metadata is None or model is None or report.mistakes:
        return None
    api_version = root.entries["apiVersion"].node
    assert isinstance(api_version, Scalar)
    return AuthoredObject(
        key=metadata.key,
        api_version=str(api_version.value),
        model=model,
        path=path,
        place=root.place,
        labels=metadata.labels,
        annotations=metadata.annotations,
        created_s=metadata.created_s,
        generation=metadata.generation,
    )


def _model(kind: Kind, root: Mapping, report: Report) -> Any:
    body = {key: to_data(entry.node) for key, entry in root.entries.items() if key not in _ENVELOPE_FIELDS}
    try:
        model = msgspec.convert(body, kind.model)
    except msgspec.ValidationError:
        before = len(report.mistakes)
        mismatches(kind.model, root, _ENVELOPE_FIELDS, report, shows_values=not kind.confidential)
        if len(report.mistakes) == before:  # pragma: no cover: the two readers agree; if not, it must not pass
            raise
        return None
    for wrong in kind.check(model) if kind.check else ():
        _disagree(wrong, root, report)
    return model


def _disagree(wrong: Wrong, root: Mapping, report: Report) -> None:
    place = place_of(root, wrong.path)
    report.wrong(FIELDS_DISAGREE, wrong.message, place, wrong.suggestion, at=path_text(wrong.path))


def _api_version(kind: Kind, root: Mapping, report: Report) -> None:
    version, place = text_at(root, "apiVersion", report)
    if version is not None and version not in kind.api_versions:
        hint = f'write "{kind.api_versions[0]}"'
        report.wrong(
            UNKNOWN_API_VERSION, f'unknown apiVersion "{version}" of {kind.name}', place, hint, at="apiVersion"
        )


@dataclass(frozen=True, slots=True)
class _Metadata:
    key: ObjectKey
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    created_s: float
    generation: int


def _metadata(kind: Kind, root: Mapping, report: Report) -> _Metadata | None:
    entry = root.entries.get("metadata")
    if entry is None or not isinstance(entry.node, Mapping):
        what = "is missing" if entry is None else f"must be a mapping, this is {describe(entry.node)}"
        report.wrong(WRONG_TYPE, f"metadata {what}", place_of(root, ("metadata",)), at="metadata")
        return None
    metadata = entry.node
    only_fields(metadata, _METADATA_FIELDS, report, within="metadata")
    name = _name(metadata, "name", NAME_LIMIT, report)
    namespace = DEFAULT_NAMESPACE if kind.namespaced else ""
    if kind.namespaced and "namespace" in metadata.entries:
        namespace = _name(metadata, "namespace", SHORT_NAME_LIMIT, report)
    return _Metadata(
        ObjectKey(kind.name, namespace, name),
        _texts(metadata, "labels", report),
        _texts(metadata, "annotations", report),
        _created_s(metadata, report),
        _generation(metadata),
    )


def _name(metadata: Mapping, key: str, limit: int, report: Report) -> str:
    name, place = text_at(metadata, key, report, within="metadata")
    why = name_problem(name, limit) if name is not None else ""
    if why:
        report.wrong(INVALID_NAME, f'the {key} "{name}" {why}', place, at=f"metadata.{key}")
    return name or ""


def _texts(metadata: Mapping, key: str, report: Report) -> tuple[tuple[str, str], ...]:
    entry = metadata.entries.get(key)
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
        return ()
    at = f"metadata.{key}"
    if not isinstance(entry.node, Mapping):
        text = f"{at} must be a mapping, this is {describe(entry.node)}"
        report.wrong(WRONG_TYPE, text, place_of(metadata, (key,)), at=at)
        return ()
    found = ((each, text_at(entry.node, each, report, within=at)[0]) for each in entry.node.entries)
    return tuple(sorted((each, text) for each, text in found if text is not None))


def _created_s(metadata: Mapping, report: Report) -> float:
    entry = metadata.entries.get("creationTimestamp")
    if entry is None or (isinstance(entry.node, Scalar) and entry.node.value is None):
        return 0.0
    text, place = text_at(metadata, "creationTimestamp", report, within="metadata")
    try:
        return datetime.fromisoformat(text).timestamp() if text is not None else 0.0
    except ValueError:
        hint = "write it as 2026-01-31T12:00:00Z"
        report.wrong(WRONG_TYPE, f'"{text}" is not a time', place, hint, at="metadata.creationTimestamp")
        return 0.0


def _generation(metadata: Mapping) -> int:
    entry = metadata.entries.get("generation")
    value = entry.node.value if entry is not None and isinstance(entry.node, Scalar) else 0
    return value if isinstance(value, int) else 0
