"""What became of a commit, told where people look: as a commit status at GitHub, GitLab, or any place that takes JSON.

One request for each verdict, best effort: nothing waits for it, and what fails is logged and let go.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from agents.gitops.git_process import read_secret
from agents.gitops.sources import StatusTarget
from agents.gitops.status import SourceStatus
from api.errors import FairleadError
from api.telemetry import logs

Verdict = Literal["success", "failure", "pending"]
DEADLINE_S = 15
DESCRIPTION_LIMIT = 140
_VERDICTS: Mapping[str, Verdict] = {
    "synced": "success",
    "refused": "failure",
    "suspended": "pending",
    "syncing": "pending",
}
_GITLAB: Mapping[Verdict, str] = {"success": "success", "failure": "failed", "pending": "running"}


@dataclass(frozen=True, slots=True)
class Telling:
    """One HTTP request, without its secret."""

    url: str
    body: dict[str, Any]


def telling(target: StatusTarget, status: SourceStatus) -> Telling | None:
    """What to send about a source's commit; None when there is no verdict on it. Pure."""
    verdict = _VERDICTS.get(status.state)
    if verdict is None or not status.commit:
        return None
    name, words = f"fairlead/{status.source.name}", _description(status)
    if target.form == "github":
        body = {"state": verdict, "context": name, "description": words}
        return Telling(f"{target.url.rstrip('/')}/statuses/{quote(status.commit)}", body)
    if target.form == "gitlab":
        body = {"state": _GITLAB[verdict], "name": name, "description": words}
        return Telling(f"{target.url.rstrip('/')}/statuses/{quote(status.commit)}", body)
    return Telling(target.url, {"verdict": verdict, "description": words, **status.document()})


def _description(status: SourceStatus) -> str:
    """One line: the first thing that is wrong with its place, or the revision."""
    first = next((each for each in status.findings if each.severity == "error"), None)
    if first is not None:
        words = f"{first.path}:{first.line} {first.code} {first.message}"
    else:
        words = status.why or f"revision {status.revision}"
    return words if len(words) <= DESCRIPTION_LIMIT else words[: DESCRIPTION_LIMIT - 1] + "…"


def headers(target: StatusTarget, token: str) -> dict[str, str]:
    """With the token as each host wants it."""
    known = {"Content-Type": "application/json", "User-Agent": "fairlead"}
    if not token:
        return known
    return known | ({"PRIVATE-TOKEN": token} if target.form == "gitlab" else {"Authorization": f"Bearer {token}"})


class CommitStatuses:
    """Tells each verdict once. `send` does the request: a URL, headers and a body; raises OSError."""

    def __init__(
        self, target: StatusTarget, send: Callable[[str, Mapping[str, str], bytes], None] | None = None
    ) -> None:
        self._target = target
        self._send = send or _post
        self._told: tuple[str, str, str] | None = None

    async def tell(self, status: SourceStatus) -> None:
        """Never raises for what goes wrong on the way."""
        told = telling(self._target, status)
        verdict = (status.commit, status.state, _description(status))
        if told is None or verdict == self._told:
            return
        self._told = verdict
        try:
            token = read_secret(self._target.token_file, "status_token_file")
            body = json.dumps(told.body).encode()
            await asyncio.to_thread(self._send, told.url, headers(self._target, token), body)
        except (FairleadError, OSError) as error:
            reason = getattr(error, "message", None) or getattr(error, "reason", None) or type(error).__name__
            logs.logger("gitops").warning("a commit status was not told", source=status.source.name, reason=str(reason))


def _post(url: str, sent: Mapping[str, str], body: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, body, dict(sent), method="POST"), timeout=DEADLINE_S):
        return
