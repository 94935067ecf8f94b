"""Errors and findings on the wire: `ErrorDetails` in trailing metadata, and back into the error tree.

Light on purpose, for the command line imports it: nothing of gRPC, only the generated messages. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from api.errors import (
    Conflict,
    Denied,
    FairleadError,
    Finding,
    InvalidConfig,
    LimitExceeded,
    NotFound,
    RateExceeded,
    Rejected,
    Severity,
    StoreUnavailable,
    TimedOut,
)
from api.management.v1 import management_pb2 as pb
from snapshots import codes

DETAILS_KEY = "fairlead-error-bin"
# A caller that sends this key has raised gRPC's limit of 8 KiB on metadata to METADATA_LIMIT_BYTES, as our client does.
# Details that are larger than what the caller can take are cut, and a last finding says how many are missing.
ACCEPTS_KEY = "fairlead-accepts-details"
METADATA_LIMIT_BYTES = 256 * 1024
DETAILS_LIMIT_BYTES = METADATA_LIMIT_BYTES // 2
UNASKED_DETAILS_BYTES = 5 * 1024
MESSAGE_LIMIT_CHARACTERS = 2048
UNASKED_MESSAGE_CHARACTERS = 512

_BRANCHES: tuple[type[FairleadError], ...] = (
    InvalidConfig,
    Conflict,
    NotFound,
    Denied,
    LimitExceeded,
    StoreUnavailable,
    TimedOut,
    Rejected,
)
ERRORS_BY_STATUS: dict[str, type[FairleadError]] = {branch.status: branch for branch in _BRANCHES} | {
    "UNAUTHENTICATED": Denied,
    "ALREADY_EXISTS": Conflict,
    "OUT_OF_RANGE": NotFound,
}
# Where one status stands for two of our errors, a finding's code tells them apart.
ERRORS_BY_CODE: dict[str, type[FairleadError]] = {codes.RATE_EXCEEDED: RateExceeded}
_SEVERITY_OUT: dict[Severity, pb.Finding.Severity] = {"error": pb.Finding.ERROR, "warning": pb.Finding.WARNING}
_TEXT_FIELDS = ("code", "message", "path", "field", "resource", "node", "suggestion", "excerpt")


def finding_message(finding: Finding) -> pb.Finding:
    message = pb.Finding(severity=_SEVERITY_OUT[finding.severity], line=finding.line, column=finding.column)
    for name in _TEXT_FIELDS:
        setattr(message, name, getattr(finding, name))
    return message


def finding_from(message: pb.Finding) -> Finding:
    texts = {name: getattr(message, name) for name in _TEXT_FIELDS}
    severity: Severity = "warning" if message.severity == pb.Finding.WARNING else "error"
    return Finding(**texts, line=message.line, column=message.column, severity=severity)


def status_message(error: FairleadError, *, whole: bool) -> str:
    """The status's own text. `whole`: the caller takes more than gRPC's default."""
    return error.message[: MESSAGE_LIMIT_CHARACTERS if whole else UNASKED_MESSAGE_CHARACTERS]


def encode_details(error: FairleadError, *, whole: bool = True) -> bytes:
    """`ErrorDetails` as large as the caller takes; findings that do not fit are counted in a last one."""
    limit_bytes = DETAILS_LIMIT_BYTES if whole else UNASKED_DETAILS_BYTES
    details = pb.ErrorDetails(message=status_message(error, whole=whole))
    size, spare = details.ByteSize(), 256
    for position, finding in enumerate(error.findings):
        message = finding_message(finding)
        size += message.ByteSize() + 6
        if size > limit_bytes - spare:
            details.findings.append(_more(len(error.findings) - position))
            break
        details.findings.append(message)
    return details.SerializeToString()


def _more(count: int) -> pb.Finding:
    words = f"{count} more {'finding is' if count == 1 else 'findings are'} not shown"
    hint = "mend these first, or validate offline to see all"
    return pb.Finding(code=codes.MORE_FINDINGS, message=words, suggestion=hint, severity=pb.Finding.ERROR)


def decode_error(status: str, message: str, metadata: Iterable[tuple[str, str | bytes]]) -> FairleadError | None:
    """The error that a Fairlead server raised, or None when the status did not come from one (no details)."""
    for key, value in metadata:
        if key == DETAILS_KEY and isinstance(value, bytes):
            return _from_details(status, message, value)
    return None


def _from_details(status: str, message: str, value: bytes) -> FairleadError | None:
    try:
        details = pb.ErrorDetails.FromString(value)
    except DecodeError:
        return None
    findings = tuple(map(finding_from, details.findings))
    by_code = (ERRORS_BY_CODE[finding.code] for finding in findings if finding.code in ERRORS_BY_CODE)
    branch = next(by_code, ERRORS_BY_STATUS.get(status, FairleadError))
    return branch(details.message or message, findings=findings)
