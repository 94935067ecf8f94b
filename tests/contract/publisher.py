"""A process that publishes to an etcd, one revision after another, until it is killed. Revision n has key "key-n"."""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import count

from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from snapshots.store.protocol import Publication
from tests.contract.publications import a_publication, many


def publication(number: int) -> Publication:
    """Changes so much that its blobs are stored ahead of the commit."""
    bodies = {name: body + b"%d" % number for name, body in many(60).items()}
    return a_publication(bodies, key=f"key-{number}")


async def publish_for_ever(endpoint: str, root: str) -> None:
    store = EtcdStore(EtcdClient(EtcdSettings(endpoints=(endpoint,))), time.time, root=root)
    for number in count(1):
        await store.publish(publication(number))


if __name__ == "__main__":
    asyncio.run(publish_for_ever(*sys.argv[1:3]))
