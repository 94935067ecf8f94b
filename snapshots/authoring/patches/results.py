"""A patched resource, from JSON back to bytes: read as strictly as what people write themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json, to_json
from api.envoy.problem import Problem, path_text
from api.envoy.registry import EnvoyApi
from api.envoy.resources import aliases, references
from api.envoy.rules import violations
from snapshots.authoring.gateway.envoy import NO_BACKEND
from snapshots.checks.domains import duplicate_domains
from xds.protocol.resource import Reference, Resource, content_version
from xds.protocol.types import TypeUrl


class NotAMessage(Exception):
    """JSON that is no message, or one that Envoy would not take."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def json_of(api: EnvoyApi, resource: Resource) -> dict[str, Any]:
    """A resource in Envoy's JSON form."""
    return to_json(api, api.parse(resource.type_url, resource.body))


def resource_from(api: EnvoyApi, before: Resource, patched: Mapping[str, Any]) -> Resource:
    """`before` with the content of `patched`. Raises NotAMessage."""
    message = _message(api, patched)
    found = violations(api, message) or duplicate_domains(api, message)
    if found:
        raise NotAMessage(tuple(map(_with_subject, found)))
    body = serialize(api, message)
    needs = (each for each in references(api, message) if each.name != NO_BACKEND)
    return replace(
        before,
        version=content_version(body, before.ttl_ms),
        body=body,
        references=tuple(Reference(TypeUrl(each.type_url), each.name) for each in needs),
        aliases=aliases(message),
    )


def _message(api: EnvoyApi, patched: Mapping[str, Any]) -> Message:
    parsed = from_json(api, patched)
    if parsed.problems or parsed.message is None:
        raise NotAMessage(parsed.problems)
    return parsed.message


def _with_subject(found: Problem) -> Problem:
    """ "must be at most 5" says nothing without its subject, once it is shown at the line of a patch."""
    subject = f"{path_text(found.path).rpartition('.')[2]} " if found.message.startswith("must ") else ""
    return replace(found, message=subject + found.message)
