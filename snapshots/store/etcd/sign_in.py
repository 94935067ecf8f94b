"""User and password for a token, and a new token when etcd no longer takes the old one.

An etcd without authentication refuses a sign-in; then there is no token until a call says that one is needed.
"""

from __future__ import annotations

import asyncio

import grpc.aio

from snapshots.store.etcd import wire
from snapshots.store.etcd.settings import EtcdSettings

_NOT_ENABLED = "authentication is not enabled"


class SignIn:
    """The token that all calls of a client carry; "" where none is needed."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._settings = settings
        self._token: str | None = None if settings.username else ""
        self._one_at_a_time = asyncio.Lock()

    def forget(self) -> None:
        """The next call signs in anew. Nothing changes without a user."""
        if self._settings.username:
            self._token = None

    async def token(self, stubs: wire.Stubs, timeout_s: float) -> str:
        """Raises AioRpcError when etcd refuses the user or password."""
        async with self._one_at_a_time:
            if self._token is None:
                self._token = await self._authenticate(stubs, timeout_s)
            return self._token

    async def _authenticate(self, stubs: wire.Stubs, timeout_s: float) -> str:
        request = wire.sign_in_request(self._settings.username, self._settings.sign_in_password())
        try:
            reply = await stubs.auth.Authenticate(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if _NOT_ENABLED in (error.details() or ""):
                return ""
            raise
        return str(reply.token)
