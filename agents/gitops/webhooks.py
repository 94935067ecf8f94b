"""Knocks from where a repository is hosted. A knock only makes a source look sooner: it says nothing that is believed.

Signed over the raw body with HMAC-SHA-256 (`X-Hub-Signature-256`: GitHub, Gitea, Forgejo, Bitbucket), or with the
shared secret as GitLab sends it (`X-Gitlab-Token`). A replay is a look more, and looks have a pause between them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agents.gitops.git_process import read_secret
from agents.gitops.sources import Source
from api.errors import FairleadError
from api.telemetry import logs

BODY_LIMIT_BYTES = 1024 * 1024
_SIGNATURE, _TOKEN = "x-hub-signature-256", "x-gitlab-token"


@dataclass(frozen=True, slots=True)
class Door:
    """Where one source is knocked at."""

    source: Source
    knock: Callable[[], None]


def webhook_route(doors: Mapping[str, Door]) -> Route:
    """POST /webhooks/SOURCE. 202 when heard; 401 for a wrong signature, and for a source that is none or takes no
    knocks: who does not know a secret learns nothing. 413 for a body beyond the limit, which nobody reads."""

    async def webhook(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("the body is too large\n", status_code=413)
        door = doors.get(request.path_params["source"])
        if door is None or not _is_known(door.source, request.headers, body):
            return PlainTextResponse("unknown source, or a wrong signature\n", status_code=401)
        door.knock()
        return PlainTextResponse("heard\n", status_code=202)

    return Route("/webhooks/{source}", webhook, methods=["POST"])


async def _body(request: Request) -> bytes | None:
    """The raw body; None beyond the limit, without taking the rest."""
    parts, size_bytes = [], 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes > BODY_LIMIT_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _is_known(source: Source, headers: Mapping[str, str], body: bytes) -> bool:
    if not source.webhook_secret_file:
        return False
    try:
        secret = read_secret(source.webhook_secret_file, "webhook_secret_file").encode()
    except FairleadError as error:
        logs.logger("gitops").error("a webhook cannot be checked", source=source.name, reason=error.message)
        return False
    return is_signed(secret, headers, body)


def is_signed(secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether who sent `body` knows `secret`; compared in constant time. Header names in lower case."""
    if signature := headers.get(_SIGNATURE, ""):
        wanted = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), signature.encode())
    return hmac.compare_digest(secret, headers.get(_TOKEN, "").encode())
