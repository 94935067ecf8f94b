"""An etcd of one's own for one machine: a child process on loopback that starts fast and never outlives its parent.

It is a real etcd with one member. If it dies it is started again on the same address, so that clients find it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from api.errors import StoreUnavailable
from snapshots.store.etcd.binary import Binary, find_binary
from snapshots.store.etcd.child import Child
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.data_directory import DataDirectory
from snapshots.store.etcd.ports import free_port
from snapshots.store.etcd.settings import EtcdSettings

QUOTA_BYTES = 2 * 1024**3
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0
_FIRST_RESTART_PAUSE_S, _LONGEST_RESTART_PAUSE_S = 0.1, 5.0
_POLL_S = 0.005
_END_IS_SEEN_S = 10.0  # it has stopped listening, so its end is near; how near, a busy machine decides
# A member keeps the peer address it was born with, so it must not change from start to start as a free port would.
# This is a socket in the working directory, which is ours alone; etcd insists on something that looks like a port.
_PEER_URL = "unix://peer:0"
_OPTIONS = {
    "name": "fairlead",
    "data-dir": "etcd",
    "listen-peer-urls": _PEER_URL,
    "initial-advertise-peer-urls": _PEER_URL,
    "initial-cluster": f"fairlead={_PEER_URL}",
    "initial-cluster-token": "fairlead",
    "heartbeat-interval": "20",  # milliseconds; nobody else can be elected, so do not wait a second for it
    "election-timeout": "100",
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "1h",
    "quota-backend-bytes": str(QUOTA_BYTES),
    "snapshot-count": "10000",
    "logger": "zap",
    "log-level": "warn",
}


class EmbeddedEtcd:
    """A running etcd. `endpoint` is its client URL and stays the same across restarts of the child."""

    def __init__(self, directory: DataDirectory, binary: Binary) -> None:
        self._directory = directory
        self._binary = binary
        self._port = free_port()
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, data_dir: Path, binary: Path | None = None) -> Self:
        """Returns when it answers. Call it on the main thread: the child ends with the thread that started it.

        Raises StoreUnavailable: no usable etcd, the directory is in use or not writable, or etcd ended, and why.
        """
        directory = await DataDirectory.lock(data_dir)
        etcd = None
        try:
            etcd = cls(directory, await asyncio.to_thread(find_binary, binary))
            etcd._run()
            await etcd._answers()
        except BaseException:
            await etcd.stop() if etcd else directory.release()
            raise
        etcd._keeping = asyncio.create_task(etcd._keep_running(), name="embedded etcd")
        return etcd

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def version(self) -> str:
        return self._binary.version

    @property
    def pid(self) -> int:
        """Of the child that runs now, or ran last."""
        return self._child.pid if self._child else 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Ends the child, politely first, and gives the directory free. Idempotent."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._child is not None:
            await self._child.end(_STOP_TIMEOUT_S)
            self._child = None
            self._directory.release()

    def _run(self) -> None:
        for stale in self._directory.path.glob("peer*"):
            stale.unlink()  # a socket that a killed etcd left behind
        log = self._directory.open_log()
        try:
            self._child = Child.start(
                [str(self._binary.path.resolve()), *self._arguments()],
                directory=self._directory.path,
                environment=_environment(os.environ),
                output=log,
                keep_open=self._directory.lock_fd,
            )
        finally:
            os.close(log)

    def _arguments(self) -> list[str]:
        urls = {"listen-client-urls": self.endpoint, "advertise-client-urls": self.endpoint}
        return [f"--{name}={value}" for name, value in (_OPTIONS | urls).items()]

    async def _answers(self) -> None:
        """Returns once a linearizable read succeeds: there is a leader, and all that was stored has been applied."""
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await self._listens()
                async with EtcdClient(EtcdSettings((self.endpoint,), timeout_s=_START_TIMEOUT_S)) as client:
                    await client.get("ready")
        except TimeoutError as error:
            raise self._failed("did not become ready") from error
        except StoreUnavailable:
            if await self._is_ending():  # it listened for a moment: its own words say more than a lost connection
                raise self._failed("ended") from None
            raise

    async def _is_ending(self) -> bool:
        if self._child is None:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_IS_SEEN_S):
                await self._child.wait()
        return self._child.has_ended

    async def _listens(self) -> None:
        while True:
            if self._child is None or self._child.has_ended:
                raise self._failed("ended")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_POLL_S)
            else:
                writer.close()
                return

    def _failed(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"the embedded etcd ({self._binary.path}, {self._binary.version}) {what}: {self._directory.last_words()}. "
            f"Its log is {self._directory.log}"
        )

    async def _keep_running(self) -> None:
        """Starts the child again whenever it has ended; slower each time that it does not last."""
        loop = asyncio.get_running_loop()
        pause_s = _FIRST_RESTART_PAUSE_S
        while self._child is not None:
            started_at_s = loop.time()
            await self._child.wait()
            lasted = loop.time() - started_at_s > _LONGEST_RESTART_PAUSE_S
            pause_s = _FIRST_RESTART_PAUSE_S if lasted else min(pause_s * 2, _LONGEST_RESTART_PAUSE_S)
            await asyncio.sleep(pause_s)
            with suppress(OSError):  # such as a full disk: the next turn tries again
                self._run()


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without ETCD_NAME and the like: etcd would take them for options of its own."""
    kept = ("ETCD_UNSUPPORTED_ARCH",)
    return {name: value for name, value in environment.items() if not name.startswith("ETCD_") or name in kept}
