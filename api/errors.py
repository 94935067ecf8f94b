"""What can go wrong, once for the whole project: one root, a few branches, and findings that say where.

The gRPC status name and the exit code live on the class (interface.md, "Exit codes"), so that the edges translate
without a table of their own. No I/O here, and nothing of gRPC: the status is a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, at one place: `path:line:column severity code message`.

    `line` and `column` count from 1; 0 means that the place is not a line of a file. `excerpt` is the line itself.
    """

    code: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    field: str = ""
    resource: str = ""
    node: str = ""
    suggestion: str = ""
    excerpt: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place} {self.severity} {self.code} {self.message}{hint}".strip()


class FairleadError(Exception):
    """The root. `status` is a gRPC status code's name, `exit_code` what the command line ends with."""

    status: ClassVar[str] = "INTERNAL"
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.findings = findings


class InvalidConfig(FairleadError):
    """What was given is wrong; `findings` says where. Nothing was stored."""

    status = "INVALID_ARGUMENT"
    exit_code = 3


class Conflict(FairleadError):
    """Somebody else was first: a stale base, or a name that another workspace holds. Nothing was stored."""

    status = "ABORTED"
    exit_code = 5


class NotFound(FairleadError):
    """A group, revision, node or resource that does not exist."""

    status = "NOT_FOUND"
    exit_code = 3


class Denied(FairleadError):
    """Not for this caller, or wrong credentials."""

    status = "PERMISSION_DENIED"
    exit_code = 7


class LimitExceeded(FairleadError):
    """Larger or more than what is taken; the message names the limit."""

    status = "RESOURCE_EXHAUSTED"
    exit_code = 3


class RateExceeded(LimitExceeded):
    """Too often in a short time. The same again after `retry_after_s` seconds is welcome, unlike what is too large."""

    exit_code = 4

    def __init__(self, message: str, *, findings: tuple[Finding, ...] = (), retry_after_s: float = 0.0) -> None:
        super().__init__(message, findings=findings)
        self.retry_after_s = retry_after_s


class StoreUnavailable(FairleadError):
    """The store cannot answer now: down, slow, full, or without quorum. Safe to try again later."""

    status = "UNAVAILABLE"
    exit_code = 4


class NodeUnreachable(FairleadError):
    """A node's agent is not connected here, or does not answer."""

    status = "UNAVAILABLE"
    exit_code = 4


class TasteUnavailable(FairleadError):
    """There is no Envoy that could say whether it takes the configuration. Nothing was stored."""

    status = "UNAVAILABLE"
    exit_code = 4


class EnvoyMissing(FairleadError):
    """No Envoy was found that runs; the message says where it was looked for."""

    status = "UNAVAILABLE"
    exit_code = 4


class ServerUnreachable(FairleadError):
    """The command line found no server where it looked."""

    status = "UNAVAILABLE"
    exit_code = 4


class TimedOut(FairleadError):
    """The caller's time ran out before the answer came."""

    status = "DEADLINE_EXCEEDED"
    exit_code = 124


class OrderFailed(FairleadError):
    """A node's agent tried what it was asked to do, and failed; the message has its words."""

    status = "FAILED_PRECONDITION"
    exit_code = 6


class Rejected(FairleadError):
    """Nodes rejected the configuration (NACK); the message has their words."""

    status = "FAILED_PRECONDITION"
    exit_code = 6
