"""Opens the store that the settings choose: in memory, an etcd cluster of the operator's, or an etcd of our own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from snapshots.store.endpoint_sets import Store
from xds.server.settings import ServerSettings


@asynccontextmanager
async def open_store(settings: ServerSettings) -> AsyncIterator[Store]:
    """The store, closed at the end, and with it an etcd that was started for it.

    A cluster that does not answer is no error here: the server starts, is not ready, and says why. Raises
    StoreUnavailable when an embedded etcd cannot be started, InvalidConfig for TLS files that cannot be read.
    """
    if settings.memory:
        from snapshots.store.memory import MemoryStore

        memory = MemoryStore(time.time)
        yield memory
        await memory.close()
    elif settings.etcd:
        async with _etcd_store(settings, settings.etcd) as store:
            yield store
    else:
        from snapshots.store.etcd.embedded import EmbeddedEtcd

        async with (
            await EmbeddedEtcd.start(settings.data_dir) as etcd,
            _etcd_store(settings, (etcd.endpoint,)) as store,
        ):
            yield store


@asynccontextmanager
async def _etcd_store(settings: ServerSettings, endpoints: tuple[str, ...]) -> AsyncIterator[Store]:
    # Imported here: the in-memory store needs none of it, and an embedded etcd starts meanwhile.
    from snapshots.store.etcd.client import EtcdClient
    from snapshots.store.etcd.settings import EtcdSettings
    from snapshots.store.etcd_store import EtcdStore

    client = EtcdClient(
        EtcdSettings(
            endpoints=endpoints,
            ca_file=settings.etcd_ca,
            cert_file=settings.etcd_cert,
            key_file=settings.etcd_key,
            username=settings.etcd_username,
            password_file=settings.etcd_password_file,
        )
    )
    store = EtcdStore(client, time.time)
    try:
        yield store
    finally:
        await store.close()
