"""Why a publication or a rollback is refused, in words: each function makes the error, its caller raises it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.errors import Conflict, Finding, InvalidConfig, LimitExceeded, NotFound
from snapshots import codes
from snapshots.checks.size import limit_bytes
from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from snapshots.store.codec import PIECE_LIMIT_BYTES, Damaged
from snapshots.store.endpoint_sets import ENDPOINT_SET_LIMIT_BYTES, EndpointSet
from snapshots.store.protocol import AuditRecord, Publication, Revision
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName

DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024


def stale_base(winner: AuditRecord, base: int, workspace: WorkspaceName | None = None) -> Conflict:
    """`winner` is the change that came between (its audit record is kept even if the revision is not); `workspace` is
    None when the whole group counts (a rollback)."""
    what = f'workspace "{workspace}" of group "{winner.group}"' if workspace else f'group "{winner.group}"'
    message = (
        f"{what} has moved on since revision {base}: revision {winner.number} by {winner.author or 'unknown'} "
        f"was first; look at it (fairlead diff {base} {winner.number}), then try again on top of it"
    )
    return Conflict(message, findings=(Finding(code=codes.BASE_STALE, message=message),))


def claimed(claims: Iterable[tuple[Origin, Origin]]) -> Conflict:
    """Each claim is (the place in the publication, the place that holds the name already, with the resource's name)."""
    findings = tuple(_claim(mine, theirs) for mine, theirs in claims)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return Conflict(f"{findings[0].message}{more}", findings=findings)


def _claim(mine: Origin, theirs: Origin) -> Finding:
    return Finding(
        code=codes.NAME_CLAIMED,
        message=(
            f'{mine.kind} "{mine.name}" makes a resource that workspace "{theirs.workspace}" holds already, from '
            f'{theirs.path}:{theirs.line} ({theirs.kind} "{theirs.name}"); rename it, or remove it there first'
        ),
        path=mine.path,
        line=mine.line,
        column=mine.column,
        resource=mine.name,
    )


def key_reused(group: GroupName, key: str, first: Revision) -> Conflict:
    message = (
        f'idempotency key "{key}" has already made revision {first.number} of group "{group}" from something else; '
        "use a new key for a new change"
    )
    return Conflict(message, findings=(Finding(code=codes.KEY_REUSED, message=message),))


def lost_too_often(group: GroupName, attempts: int) -> Conflict:
    return Conflict(
        f'group "{group}" moved {attempts} times while this change was being written; nothing was stored, try again'
    )


def audit_missing(group: GroupName, number: int) -> Damaged:
    return Damaged(
        f'the audit record of revision {number} of group "{group}" is missing: it was removed by hand, or the store '
        "has lost data; restore it from a backup"
    )


def unreadable(revision: Revision, error: Damaged) -> Damaged:
    return Damaged(
        f'revision {revision.number} of group "{revision.group}" cannot be read: {error.message}; if fairlead history '
        "still shows it, the store has lost data: restore it from a backup"
    )


def unknown_group(group: GroupName) -> NotFound:
    return NotFound(f'there is no group "{group}"; a first publish makes it (fairlead apply --group {group})')


def unknown_revision(group: GroupName, number: int, newest: int) -> NotFound:
    if number > newest or number < 1:
        return NotFound(f'group "{group}" has no revision {number}; its newest is {newest}')
    return NotFound(f'revision {number} of group "{group}" is no longer kept; fairlead history shows those that are')


def endpoints_moved(newest: EndpointSet | None, wanted: EndpointSet) -> Conflict:
    """`newest` is what is there instead of the version before `wanted`."""
    base = wanted.version - 1
    there = (
        f"version {newest.version} by {newest.author or 'unknown'} is the newest" if newest else "there are none yet"
    )
    message = (
        f'the endpoints "{wanted.name}" of group "{wanted.group}" are not at version {base}: {there}; look at them '
        "(fairlead endpoints list), then try again on top of that"
    )
    return Conflict(message, findings=(Finding(code=codes.BASE_STALE, message=message, resource=wanted.name),))


def check_endpoint_limits(wanted: EndpointSet) -> None:
    """Raises LimitExceeded."""
    if len(wanted.body) > ENDPOINT_SET_LIMIT_BYTES:
        message = (
            f'the endpoints "{wanted.name}" of group "{wanted.group}" would have {len(wanted.body)} bytes and the '
            f"limit is {ENDPOINT_SET_LIMIT_BYTES}; spread them over several clusters"
        )
        raise LimitExceeded(message, findings=(Finding(codes.RESOURCE_TOO_LARGE, message, resource=wanted.name),))


def check_limits(resources: Iterable[CompiledResource], documents: Iterable[Document]) -> None:
    """Raises LimitExceeded naming every resource and document that is too large."""
    large = [
        *(
            _oversized(item.resource, item.origin)
            for item in resources
            if len(item.resource.body) > limit_bytes(item.resource.type_url)
        ),
        *(
            Finding(
                codes.FILE_TOO_LARGE,
                f"has {len(document.content)} bytes; the limit is {DOCUMENT_LIMIT_BYTES}",
                document.path,
            )
            for document in documents
            if len(document.content) > DOCUMENT_LIMIT_BYTES
        ),
    ]
    if large:
        raise LimitExceeded(f"{large[0].path or large[0].resource} {large[0].message}", findings=tuple(large))


def _oversized(resource: Resource, origin: Origin) -> Finding:
    limit = limit_bytes(resource.type_url)
    return Finding(
        code=codes.RESOURCE_TOO_LARGE,
        message=f'makes "{resource.name}" of {len(resource.body)} bytes; the limit is {limit}; split it',
        path=origin.path,
        line=origin.line,
        column=origin.column,
        resource=resource.name,
    )


def beyond_budgets(findings: Sequence[Finding]) -> InvalidConfig:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return InvalidConfig(f"{findings[0].message}{more}; nothing was stored", findings=tuple(findings))


def allowed(message: str, author: str, beyond: Sequence[Finding]) -> str:
    """A revision's message, with what was beyond a budget and who allowed that."""
    if not beyond:
        return message
    words = "; ".join(f"{finding.code} {finding.message}" for finding in beyond)
    return f"{message} [allowed by {author or 'unknown'}: {words}]".strip()


def named_twice(publication: Publication) -> InvalidConfig:
    return InvalidConfig(
        f'workspace "{publication.workspace}" names a resource or a document twice; fairlead validate says which'
    )


def manifest_too_large(group: GroupName, size: int) -> LimitExceeded:
    return LimitExceeded(
        f'group "{group}" would need a manifest of {size} bytes and the limit is {PIECE_LIMIT_BYTES}; '
        "use fewer large resources, or spread them over several groups"
    )
