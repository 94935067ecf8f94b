"""One gRPC channel to each endpoint, and which of them is asked now.  Knows nothing of keys, users or retries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
import grpc.aio

from snapshots.store.etcd.settings import Endpoint, EtcdSettings, read
from snapshots.store.etcd.wire import Stubs

_PENDING = (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING)
_SEND_LIMIT_BYTES = 16 * 1024 * 1024  # etcd's own limit answers before this one


class Link:
    """The channel to one endpoint. `version_is_known`: it has been asked once, and is new enough."""

    def __init__(self, endpoint: Endpoint, channel: grpc.aio.Channel) -> None:
        self.endpoint = endpoint
        self.channel = channel
        self.stubs = Stubs(channel)
        self.version_is_known = False

    async def is_ready(self, timeout_s: float) -> bool:
        """True once connected; False as soon as connecting fails, or when `timeout_s` is over."""
        try:
            async with asyncio.timeout(timeout_s):
                while (state := self.channel.get_state(try_to_connect=True)) in _PENDING:
                    await self.channel.wait_for_state_change(state)
        except TimeoutError:
            return False
        return state is grpc.ChannelConnectivity.READY


class Links:
    """All endpoints. The current one is used until it fails, then the next that can be reached."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._settings = settings
        self._current = 0
        credentials = channel_credentials(settings)
        self._links = tuple(Link(each, _channel(each, settings, credentials)) for each in settings.addresses)

    @property
    def all(self) -> Sequence[Link]:
        return self._links

    async def ready(self) -> Link:
        """A connected link, so that a call that fails to connect is never taken for one that was lost on its way.

        When none can be reached it is the current one: the call on it fails with gRPC's own words.
        """
        for turn in range(len(self._links)):
            place = (self._current + turn) % len(self._links)
            if await self._links[place].is_ready(self._settings.connect_timeout_s):
                self._current = place
                return self._links[place]
        return self._links[self._current]

    def failed(self, link: Link) -> None:
        """Ask another endpoint from now on, unless that was decided already."""
        if self._links[self._current] is link:
            self._current = (self._current + 1) % len(self._links)

    async def close(self) -> None:
        await asyncio.gather(*(link.channel.close(grace=None) for link in self._links))


def channel_credentials(settings: EtcdSettings) -> grpc.ChannelCredentials | None:
    """None for plaintext. Without a CA file the system's own authorities are trusted. Raises InvalidConfig."""
    if not settings.addresses[0].secure:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=read(settings.ca_file) if settings.ca_file else None,
        private_key=read(settings.key_file) if settings.key_file else None,
        certificate_chain=read(settings.cert_file) if settings.cert_file else None,
    )


def _channel(
    endpoint: Endpoint, settings: EtcdSettings, credentials: grpc.ChannelCredentials | None
) -> grpc.aio.Channel:
    options = _options(settings)
    if credentials is None:
        return grpc.aio.insecure_channel(endpoint.target, options=options)
    return grpc.aio.secure_channel(endpoint.target, credentials, options=options)


def _options(settings: EtcdSettings) -> list[tuple[str, int]]:
    """Noticing a dead peer while calls are open, coming back soon, and taking large answers.

    etcd drops clients that ping more often than every 5 s, or without a call under way.
    """
    return [
        ("grpc.keepalive_time_ms", int(settings.keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", int(settings.connect_timeout_s * 1000)),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", int(settings.connect_timeout_s * 1000)),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.use_local_subchannel_pool", 1),  # a second client does not inherit this one's back-off
        ("grpc.enable_retries", 0),  # what may be retried is decided by us
        ("grpc.max_receive_message_length", settings.receive_limit_bytes),
        ("grpc.max_send_message_length", _SEND_LIMIT_BYTES),
    ]
