"""What an answer of an upstream must be like to be taken: digests that are right, names told once, one type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from xds.client.answers import Answer
from xds.protocol.requests import ErrorDetail
from xds.protocol.resource import Resource, content_version

INVALID_ARGUMENT = 3  # google.rpc.Code
_NAMES_TOLD = 3


def fault(answer: Answer, held: Mapping[str, Resource], is_refused: Callable[[Resource], bool]) -> ErrorDetail | None:
    """Words for the NACK of an answer that nobody may take; None when it is in order. `held`: of its type.

    `is_refused`: the client of the mirror has not taken this that is held, so it goes on with what it had before.
    """
    twice = Counter([*(one.name for one in answer.resources), *answer.removed, *answer.unresolved])
    found = [f"{name!r} is told twice in one response" for name, count in twice.items() if count > 1]
    for resource in answer.resources:
        said = _fault_of(resource, answer, held, is_refused)
        if said:
            found.append(said)
    if not found:
        return None
    more = f"; and {len(found) - _NAMES_TOLD} more" if len(found) > _NAMES_TOLD else ""
    return ErrorDetail(INVALID_ARGUMENT, "nothing of this response was taken: " + "; ".join(found[:_NAMES_TOLD]) + more)


def is_heartbeat(resource: Resource) -> bool:
    """Whether it says that what is held goes on. Bodies are never empty: each has the name in it."""
    return bool(resource.ttl_ms) and not resource.body


def _fault_of(
    resource: Resource, answer: Answer, held: Mapping[str, Resource], is_refused: Callable[[Resource], bool]
) -> str:
    if resource.type_url != answer.type_url:
        return f"{resource.name!r} is a {resource.type_url} in a response of {answer.type_url}"
    if is_heartbeat(resource):
        known = held.get(resource.name)
        if known is not None and (known.version == resource.version or is_refused(known)):
            return ""
        return f"{resource.name!r} is to go on in version {resource.version!r}, which is not held here"
    expected = content_version(resource.body, resource.ttl_ms)
    if expected == resource.version:
        return ""
    return f"{resource.name!r} has version {resource.version!r}, but its content is {expected!r}"
