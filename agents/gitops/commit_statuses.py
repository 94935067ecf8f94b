"""Tells verdicts on commits where people look: statuses, and a comment on a refused one. What is sent is `hosts`' part.

Best effort: nothing waits for it, and what fails is logged and let go.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from agents.gitops.git_process import read_secret
from agents.gitops.hosts import Telling, comment, description, headers, requests_of, telling
from agents.gitops.sources import StatusTarget
from agents.gitops.status import SourceStatus
from api.errors import FairleadError
from api.telemetry import logs

DEADLINE_S = 15
ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
# A URL, headers, and a body or None for a GET; gives what was answered. Raises OSError.
Send = Callable[[str, Mapping[str, str], bytes | None], bytes]


class CommitStatuses:
    """Tells each verdict once."""

    def __init__(self, target: StatusTarget, send: Send | None = None) -> None:
        self._target = target
        self._send = send or _sent
        self._told: tuple[str, str, str] | None = None

    async def tell(self, status: SourceStatus) -> None:
        """Never raises for what goes wrong on the way."""
        told = telling(self._target, status)
        verdict = (status.commit, status.state, description(status))
        if told is None or verdict == self._told:
            return
        self._told = verdict
        try:
            await self._ask(told)
            if (asked := requests_of(self._target, status)) is not None:
                said = comment(self._target, status, json.loads(await self._ask(asked)))
                if said is not None:
                    await self._ask(said)
        except (FairleadError, OSError, ValueError) as error:
            reason = getattr(error, "message", None) or getattr(error, "reason", None) or type(error).__name__
            logs.logger("gitops").warning("a verdict was not told", source=status.source.name, reason=str(reason))

    async def _ask(self, told: Telling) -> bytes:
        token = read_secret(self._target.token_file, "status_token_file")
        body = None if told.body is None else json.dumps(told.body).encode()
        return await asyncio.to_thread(self._send, told.url, headers(self._target, token), body)


def _sent(url: str, sent: Mapping[str, str], body: bytes | None) -> bytes:
    request = urllib.request.Request(url, body, dict(sent), method="GET" if body is None else "POST")
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
        answered: Any = response.read(ANSWER_LIMIT_BYTES)
    return bytes(answered)
