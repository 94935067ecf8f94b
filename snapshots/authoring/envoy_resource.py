"""`kind: EnvoyResource`: its spec, written as Envoy writes it, becomes a resource. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import Message

from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json
from api.envoy.problem import UNKNOWN_FIELD, Problem, path_text
from api.envoy.registry import EnvoyApi, type_url_of
from api.envoy.resources import NAME_FIELDS, aliases, references, resource_name
from api.envoy.rules import violations
from snapshots.authoring.envelope import Envelope, Report
from snapshots.authoring.source import Mistake
from snapshots.authoring.yaml_nodes import Mapping, place_of, to_data
from snapshots.checks.domains import duplicate_domains
from snapshots.checks.shadowed_routes import shadowed_routes
from snapshots.codes import NOT_A_RESOURCE, RESOURCE_UNNAMED
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import RESOURCE_TYPES, TypeUrl

_KEY_CODES = frozenset({UNKNOWN_FIELD})


def compile_envoy_resource(api: EnvoyApi, envelope: Envelope, report: Report) -> Resource | None:
    """The resource in the document's spec; None if anything is wrong with it, and then `report` says what."""
    message = _message(api, envelope.spec, report)
    if message is None:
        return None
    type_url = TypeUrl(type_url_of(message))
    if type_url not in NAME_FIELDS:
        known = ", ".join(row.short for row in RESOURCE_TYPES)
        text = f"{message.DESCRIPTOR.full_name} is not a resource that Envoy asks for by itself"
        report.wrong(NOT_A_RESOURCE, text, place_of(envelope.spec, ("@type",)), f"resources: {known}", at="spec.@type")
        return None
    before = report.errors
    name = _name(message, type_url, envelope.spec, report)
    _report(violations(api, message), envelope.spec, report)
    _report(duplicate_domains(api, message), envelope.spec, report)
    _report(shadowed_routes(api, message), envelope.spec, report)
    if report.errors > before:
        return None
    needs = tuple(Reference(TypeUrl(url), target) for url, target in references(api, message))
    body, asked_by, on_demand, ttl_ms = serialize(api, message), aliases(message), envelope.on_demand, envelope.ttl_ms
    return Resource.of(type_url, name, body, needs, aliases=asked_by, on_demand=on_demand, ttl_ms=ttl_ms)


def _message(api: EnvoyApi, spec: Mapping, report: Report) -> Message | None:
    parsed = from_json(api, to_data(spec))
    _report(parsed.problems, spec, report)
    return None if parsed.problems else parsed.message


def _name(message: Message, type_url: TypeUrl, spec: Mapping, report: Report) -> str:
    name = resource_name(message)
    key = NAME_FIELDS[type_url]
    place, at = place_of(spec, (key,)), f"spec.{key}"
    if not name:
        report.wrong(RESOURCE_UNNAMED, f"{at} must not be empty: it is the resource's name", place, at=at)
    elif name == "*" or not name.isprintable():
        text = f'a resource cannot be called "{name}": "*" stands for all of them, and names are printed'
        report.wrong(RESOURCE_UNNAMED, text, place, at=at)
    return name


def _report(problems: Iterable[Problem], spec: Mapping, report: Report) -> None:
    for problem in problems:
        report.mistakes.append(_mistake(problem, spec))


def _mistake(problem: Problem, spec: Mapping) -> Mistake:
    place = place_of(spec, problem.path, key=problem.code in _KEY_CODES)
    field = path_text(("spec", *problem.path))
    # "must be at most 5" says nothing without its subject once the finding is shown without its line.
    subject = f"{field.rpartition('.')[2]} " if problem.message.startswith("must ") else ""
    beside = f" (line {place_of(spec, problem.beside).line})" if problem.beside else ""
    message = subject + problem.message + beside
    return Mistake(problem.code, message, place, problem.suggestion, field, severity=problem.severity)
