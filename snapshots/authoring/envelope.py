"""What every document has: apiVersion, kind, metadata, spec. Says all that is wrong with them. No I/O here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration

from api.envoy.json_scalars import Misread
from api.envoy.json_times import read_duration
from api.envoy.problem import did_you_mean
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.names import NAME_LIMIT, SHORT_NAME_LIMIT, name_problem
from snapshots.authoring.source import Mistake
from snapshots.authoring.yaml_nodes import Entry, Mapping, Node, Place, Scalar, describe, place_of
from snapshots.codes import (
    FIELD_OUT_OF_BOUNDS,
    INVALID_NAME,
    INVALID_TTL,
    MISSING_FIELD,
    NOT_A_DOCUMENT,
    UNKNOWN_API_VERSION,
    UNKNOWN_FIELD,
    UNKNOWN_KIND,
    WRONG_TYPE,
)

API_VERSION = "fairlead.dev/v1"
WORKSPACE = "Workspace"
ENVOY_RESOURCE = "EnvoyResource"

_NAME_LIMITS = {WORKSPACE: SHORT_NAME_LIMIT, ENVOY_RESOURCE: NAME_LIMIT}
_DOCUMENT_FIELDS = ("apiVersion", "kind", "metadata", "spec")
_METADATA_FIELDS = ("name", "labels", "annotations")
ON_DEMAND = "fairlead.dev/on-demand"  # an annotation, "true" or "false"
TTL = "fairlead.dev/ttl"  # an annotation, such as "30s"
TTL_SHORTEST_MS, TTL_LONGEST_MS = 1_000, 86_400_000  # a heartbeat goes twice in that time to every client
_HINTS = {"metadata.namespace": "documents of this kind have no namespace: remove it"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """One document of a kind we know. `place` is its first key.

    `on_demand`: only who names its resource is sent it. `ttl_ms`: how long clients may keep it unheard of; 0: for ever.
    """

    kind: str
    name: str
    place: Place
    name_place: Place
    spec: Mapping
    on_demand: bool = False
    ttl_ms: int = 0


@dataclass(slots=True)
class Report:
    """What was found wrong in one document so far."""

    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many of them refuse the document."""
        return sum(mistake.severity == "error" for mistake in self.mistakes)

    def wrong(self, code: str, message: str, place: Place, suggestion: str = "", *, at: str = "") -> None:
        self.mistakes.append(Mistake(code, message, place, suggestion, field=at))


def kind_written(root: Node) -> str:
    """What the document says it is; "" if it says nothing that could be a kind."""
    entry = root.entries.get("kind") if isinstance(root, Mapping) else None
    value = entry.node.value if entry is not None and isinstance(entry.node, Scalar) else None
    return value if isinstance(value, str) else ""


def read_envelope(root: Node, report: Report) -> Envelope | None:
    """The document in `root`; None if it cannot be understood, and then `report` says why."""
    if not isinstance(root, Mapping):
        hint = f'begin with "apiVersion: {API_VERSION}"'
        report.wrong(NOT_A_DOCUMENT, f"a document must be a mapping, this is {describe(root)}", root.place, hint)
        return None
    kind = _kind(root, report)
    if kind is None:
        if "kind" not in root.entries:
            only_fields(root, _DOCUMENT_FIELDS, report)
        return None
    _api_version(root, report)
    only_fields(root, _DOCUMENT_FIELDS, report)
    metadata = _metadata(root, report)
    name, name_place = (None, root.place) if metadata is None else _name(metadata, kind, report)
    on_demand = metadata is not None and _is_on_demand(metadata, report)
    ttl_ms = 0 if metadata is None else _ttl_ms(metadata, report)
    spec = mapping_at(root, "spec", report)
    if spec is None or name is None:
        return None
    return Envelope(kind, name, root.place, name_place, spec, on_demand, ttl_ms)


def text_at(mapping: Mapping, key: str, report: Report, *, within: str = "") -> tuple[str | None, Place]:
    """The text under `key`, which must be there, and its place; None was reported."""
    entry = _required(mapping, key, report, within)
    if entry is None:
        return None, mapping.place
    place = place_of(mapping, (key,))
    if isinstance(entry.node, Scalar) and isinstance(entry.node.value, str):
        return entry.node.value, place
    at = _joined(within, key)
    hint = "put it in quotes" if isinstance(entry.node, Scalar) and entry.node.value is not None else ""
    report.wrong(WRONG_TYPE, f"{at} must be text, this is {describe(entry.node)}", place, hint, at=at)
    return None, place


def mapping_at(mapping: Mapping, key: str, report: Report) -> Mapping | None:
    """The mapping under `key`, which must be there."""
    entry = _required(mapping, key, report, "")
    if entry is None:
        return None
    if isinstance(entry.node, Mapping):
        return entry.node
    place = place_of(mapping, (key,))
    report.wrong(WRONG_TYPE, f"{key} must be a mapping, this is {describe(entry.node)}", place, at=key)
    return None


def only_fields(mapping: Mapping, known: Collection[str], report: Report, *, within: str = "") -> None:
    """Report every key of `mapping` that is not one of `known`."""
    for key, entry in mapping.entries.items():
        if key not in known:
            at = _joined(within, key)
            hint = _HINTS.get(at) or did_you_mean(key, known) or f"known here: {', '.join(known)}"
            report.wrong(UNKNOWN_FIELD, f'unknown field "{at}"', entry.key_place, hint, at=at)


def name_at(mapping: Mapping, key: str, limit: int, report: Report, *, within: str) -> tuple[str | None, Place]:
    """The name under `key`, of at most `limit` characters, and its place; None was reported."""
    name, place = text_at(mapping, key, report, within=within)
    why = "" if name is None else name_problem(name, limit)
    if why:
        report.wrong(INVALID_NAME, f'the name "{name}" {why}', place, at=_joined(within, key))
        return None, place
    return name, place


def number_at(mapping: Mapping, key: str, low: int, high: int | None, report: Report, *, within: str) -> int:
    """The whole number under `key`, which is there; `low` where it is none, and then that was reported."""
    node, at = mapping.entries[key].node, _joined(within, key)
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool):
        text = f"{at} must be a whole number, this is {describe(node)}"
        report.wrong(WRONG_TYPE, text, place_of(mapping, (key,)), at=at)
    elif value < low or (high is not None and value > high):
        bounds = f"from {low} to {high}" if high is not None else f"{low} or more"
        report.wrong(FIELD_OUT_OF_BOUNDS, f"{at} must be {bounds}, this is {value}", place_of(mapping, (key,)), at=at)
    else:
        return value
    return low


def _kind(root: Mapping, report: Report) -> str | None:
    kind, place = text_at(root, "kind", report)
    if kind is None:
        return None
    if kind in _NAME_LIMITS:
        return kind
    known = (*_NAME_LIMITS, *BY_NAME)
    hint = did_you_mean(kind, known) or f"known kinds: {', '.join(known)}"
    report.wrong(UNKNOWN_KIND, f'unknown kind "{kind}"', place, hint, at="kind")
    return None


def _api_version(root: Mapping, report: Report) -> None:
    version, place = text_at(root, "apiVersion", report)
    if version is not None and version != API_VERSION:
        hint = f'write "{API_VERSION}"'
        report.wrong(UNKNOWN_API_VERSION, f'unknown apiVersion "{version}"', place, hint, at="apiVersion")


def _metadata(root: Mapping, report: Report) -> Mapping | None:
    metadata = mapping_at(root, "metadata", report)
    if metadata is None:
        return None
    only_fields(metadata, _METADATA_FIELDS, report, within="metadata")
    for key in ("labels", "annotations"):
        _texts(metadata, key, report)
    return metadata


def _name(metadata: Mapping, kind: str, report: Report) -> tuple[str | None, Place]:
    return name_at(metadata, "name", _NAME_LIMITS[kind], report, within="metadata")


def _is_on_demand(metadata: Mapping, report: Report) -> bool:
    """Whether the annotation for it says "true". Other annotations are free, and so is the lack of it."""
    value, place = _annotation(metadata, ON_DEMAND)
    if value not in (None, "true", "false"):
        at = f"metadata.annotations.{ON_DEMAND}"
        report.wrong(WRONG_TYPE, f'{at} must be "true" or "false", this is "{value}"', place, at=at)
    return value == "true"


def _ttl_ms(metadata: Mapping, report: Report) -> int:
    """The annotation for it, a duration as Envoy writes one. 0 without it."""
    text, place = _annotation(metadata, TTL)
    if text is None:
        return 0
    at = f"metadata.annotations.{TTL}"
    duration = Duration()
    try:
        read_duration(text, duration)
    except Misread as misread:
        report.wrong(INVALID_TTL, f"{at}: {misread.message}", place, misread.suggestion, at=at)
        return 0
    ttl_ms = int(duration.ToMilliseconds())
    if not TTL_SHORTEST_MS <= ttl_ms <= TTL_LONGEST_MS:
        report.wrong(INVALID_TTL, f"{at} must be from 1s to 86400s, this is {text}", place, at=at)
    return ttl_ms


def _annotation(metadata: Mapping, name: str) -> tuple[str | None, Place]:
    """An annotation's text, and its place; None when there is none, or none that is text: that is told elsewhere."""
    entry = metadata.entries.get("annotations")
    annotation = entry.node.entries.get(name) if entry and isinstance(entry.node, Mapping) else None
    if annotation is None or not isinstance(annotation.node, Scalar) or not isinstance(annotation.node.value, str):
        return None, metadata.place
    return annotation.node.value, annotation.node.place


def _texts(metadata: Mapping, key: str, report: Report) -> None:
    """labels and annotations: text to text, and free to be anything."""
    if key not in metadata.entries:
        return
    at = f"metadata.{key}"
    node = metadata.entries[key].node
    if not isinstance(node, Mapping):
        message = f"{at} must be a mapping, this is {describe(node)}"
        report.wrong(WRONG_TYPE, message, place_of(metadata, (key,)), at=at)
        return
    for each in node.entries:
        text_at(node, each, report, within=at)


def _required(mapping: Mapping, key: str, report: Report, within: str) -> Entry | None:
    entry = mapping.entries.get(key)
    if entry is None:
        at = _joined(within, key)
        # A misspelt key is reported as an unknown field, with the right one: once is enough.
        if not did_you_mean(key, mapping.entries.keys()):
            report.wrong(MISSING_FIELD, f"{at} is missing", mapping.place, at=at)
    return entry


def _joined(within: str, key: str) -> str:
    return f"{within}.{key}" if within else key
