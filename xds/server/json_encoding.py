"""Responses of the core -> DiscoveryResponse in JSON, for REST polling.

Writing a message as JSON costs a hundred times what handing its bytes over does, so every resource is written once for
all who poll for it, on a thread, and an answer is those pieces joined.
"""

from __future__ import annotations

import asyncio
import json

from api.envoy.json_form import to_json
from api.envoy.registry import EnvoyApi
from xds.protocol.plan import ResourceError, Response
from xds.protocol.resource import Resource
from xds.transport.kept_bytes import KeptBytes

_Key = tuple[str, str, str]


class JsonEncoder:
    """Keeps up to `limit_bytes` of written resources; the least recently used go first."""

    def __init__(self, api: EnvoyApi, limit_bytes: int, identifier: str = "") -> None:
        self._api = api
        self._identifier = identifier
        self._written = KeptBytes(limit_bytes)
        self._one_writes = asyncio.Lock()  # who polls for the same at the same time waits for the first

    async def encode(self, response: Response) -> bytes:
        """A DiscoveryResponse as UTF-8."""
        async with self._one_writes:
            pieces = await self._pieces(response.resources)
        message: dict[str, object] = {"type_url": response.type_url}
        if response.errors:
            message["resource_errors"] = [_error(error) for error in response.errors]
        if self._identifier:
            message["control_plane"] = {"identifier": self._identifier}
        head = b'{"version_info":%b,"resources":[' % _text(response.version)
        return b"%b%b],%b" % (head, b",".join(pieces), _text(message)[1:])

    async def _pieces(self, resources: tuple[Resource, ...]) -> list[bytes]:
        kept = {_key(resource): self._written.get(_key(resource)) for resource in resources}
        missing = [resource for resource in resources if kept[_key(resource)] is None]
        written = await asyncio.to_thread(self._write, missing) if missing else {}
        for key, piece in written.items():
            self._written.keep(key, piece)
        return [kept[key] or written[key] for key in map(_key, resources)]

    def _write(self, resources: list[Resource]) -> dict[_Key, bytes]:
        api = self._api
        return {_key(one): _text(to_json(api, api.parse(one.type_url, one.body))) for one in resources}


def _key(resource: Resource) -> _Key:
    return (resource.type_url, resource.name, resource.version)


def _error(error: ResourceError) -> dict[str, object]:
    return {
        "resource_name": {"name": error.name},
        "error_detail": {"code": error.code, "message": error.message},
    }


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
