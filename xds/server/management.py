"""The management API's listener: service, guard, health and reflection on one address.

A caller on a plaintext or server-only TLS listener has proved nothing; it is let in because the settings allow only
loopback there, or say twice that they do not. With a client CA, TLS turns away everybody without its certificate.
"""

from __future__ import annotations

from grpc import aio

from api.hosting.address import parse_any
from api.management.backend import Backend
from api.management.client import CHUNK_BYTES
from api.management.details import METADATA_LIMIT_BYTES
from api.management.guard import Guard
from api.management.policy import SERVICE, Proof, require_complete
from api.management.service import ManagementService
from api.management.v1 import management_pb2_grpc as rpc
from xds.transport.health import Health
from xds.transport.listener import listen
from xds.transport.observer import Observer
from xds.transport.reflection import add_reflection
from xds.transport.tls import TlsFiles, reloading_credentials

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),
    # A chunk with room for its path and framing.
    ("grpc.max_receive_message_length", 2 * CHUNK_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", METADATA_LIMIT_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_LIMIT_BYTES),
    # Commands that follow a revision for hours are found dead when they are.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)


class ManagementServer:
    """One listener, from start to stop. `service` may be called without a network, too."""

    def __init__(
        self, backend: Backend, address: str, observer: Observer, *, tls: TlsFiles | None, plaintext_allowed: bool
    ) -> None:
        self.service = ManagementService(backend)
        self._hub = backend.hub
        self._bound = parse_any(address)
        self._observer = observer
        self._tls = tls
        self._plaintext_allowed = plaintext_allowed
        self._server: aio.Server | None = None
        self._health: Health | None = None

    @property
    def address(self) -> str:
        """host:port as really bound."""
        return str(self._bound)

    def is_watched(self) -> bool:
        """Whether anybody reads events now."""
        return self._hub.is_watched

    async def start(self) -> None:
        """Listen. Raises InvalidConfig when the address cannot be had, Denied when a method has no policy."""
        require_complete()
        proved = Proof.CERTIFICATE if self._tls and self._tls.client_ca else Proof.TRUSTED_ADDRESS
        server = aio.server(interceptors=[Guard(proved)], options=_OPTIONS)
        rpc.add_ManagementServicer_to_server(self.service, server)
        health = Health(server, [SERVICE.full_name])
        add_reflection(server, [SERVICE.full_name])
        tls, allowed = self._tls, self._plaintext_allowed
        credentials = reloading_credentials(tls, str(self._bound), self._observer) if tls else None
        self._bound = listen(server, self._bound, credentials, plaintext_off_loopback=allowed)
        await server.start()
        await health.serving(False)
        self._server, self._health = server, health

    async def set_ready(self, is_ready: bool) -> None:
        """What the health service tells."""
        if self._health is not None:
            await self._health.serving(is_ready)

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and end those under way after `grace_s`. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await self.set_ready(False)
            await server.stop(grace_s)
