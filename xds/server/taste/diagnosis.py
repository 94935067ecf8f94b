"""Where in a resource that Envoy refuses the reason stands, as far as it can be told from its words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from api.envoy.json_form import to_json
from api.envoy.messages import child_fields, children
from api.envoy.problem import DEPTH_LIMIT, Path
from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.regexes import regex_problem
from snapshots.authoring.provenance.words import field_meant, values_mentioned
from snapshots.checks.concern import Concern, Generated, kind_of
from snapshots.codes import ENVOY_REFUSES
from snapshots.model import CompiledResource
from xds.protocol.types import SECRET
from xds.server.taste.words import Refusal

_EXPRESSION = "envoy.type.matcher.v3.RegexMatcher"
# What is written as Envoy writes it has the message's own paths.
_AS_WRITTEN = "EnvoyResource"


def concern_of(api: EnvoyApi, refusal: Refusal, refused: CompiledResource) -> Concern:
    """What Envoy says, at the value that it seems to be about: an expression, or one that its words mention."""
    resource, origin = refused.resource, refused.origin
    text = f'Envoy does not take {kind_of(refusal.type_url)} "{resource.name}": {refusal.words}'
    if resource.type_url == SECRET:  # no line of a private key is shown
        return Concern(ENVOY_REFUSES, text, origin, at=("metadata", "name"))
    message = api.parse(resource.type_url, resource.body)
    expression = _expression(api, message, refusal.words, 1)
    if origin.kind == _AS_WRITTEN and expression:
        return Concern(ENVOY_REFUSES, text, origin, at=("spec", *expression))
    likely = tuple(each for each in values_mentioned(refusal.words) if each != resource.name)
    meant = None if origin.kind == _AS_WRITTEN else expression or field_meant(to_json(api, message), refusal.words)
    generated = Generated(resource.type_url, resource.name, meant) if meant else None
    return Concern(ENVOY_REFUSES, text, origin, likely=(*likely, resource.name), generated=generated)


def about(refusal: Refusal, refused: Sequence[CompiledResource]) -> tuple[CompiledResource, ...]:
    """Of the resources of a response, those that words without a name are about: some have what they mention."""
    for text in values_mentioned(refusal.words):
        having = tuple(each for each in refused if text.encode() in each.resource.body)
        if 0 < len(having) < len(refused):
            return having
    return ()


def _expression(api: EnvoyApi, message: Any, words: str, depth: int) -> Path:
    """The first regular expression in `message` that cannot be used for the reason that Envoy gives."""
    if message.DESCRIPTOR.full_name == _EXPRESSION:
        problem = regex_problem(message.regex)
        return ("regex",) if problem and problem in words else ()
    return next(_below(api, message, words, depth), ()) if depth < DEPTH_LIMIT else ()


def _below(api: EnvoyApi, message: Any, words: str, depth: int) -> Iterator[Path]:
    for step, child in children(api, message, child_fields(message.DESCRIPTOR)):
        found = _expression(api, child, words, depth + 1)
        if found:
            yield (*step, *found)
