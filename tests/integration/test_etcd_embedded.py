"""The embedded etcd: starts fast, keeps its data, belongs to one process, and never outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.errors import StoreUnavailable
from snapshots.store.etcd.client import EtcdClient
from snapshots.store.etcd.embedded import QUOTA_BYTES, EmbeddedEtcd
from snapshots.store.etcd.settings import EtcdSettings
from tests.etcds import ROOT, every_etcd, newest_etcd, wait_until_gone

pytestmark = pytest.mark.etcd
NOBODY = 65534
# Starts an etcd, says "PID-OF-ETCD ENDPOINT" or why not, and then waits to be killed.
PARENT = """
import asyncio, sys
from pathlib import Path
from api.errors import FairleadError
from snapshots.store.etcd.embedded import EmbeddedEtcd

async def main():
    etcd = await EmbeddedEtcd.start(Path(sys.argv[1]), Path(sys.argv[2]))
    print(etcd.pid, etcd.endpoint, flush=True)
    await asyncio.Event().wait()

try:
    asyncio.run(main())
except FairleadError as error:
    print("refused", error, flush=True)
"""


def a_parent(data_dir: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", PARENT, str(data_dir), str(newest_etcd())]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def first_words(parent: subprocess.Popen[str]) -> tuple[str, str]:
    assert parent.stdout is not None
    first, _, rest = parent.stdout.readline().strip().partition(" ")
    return first, rest


def client_of(etcd: EmbeddedEtcd) -> EtcdClient:
    return EtcdClient(EtcdSettings((etcd.endpoint,)))


@pytest.mark.parametrize("binary", every_etcd())
async def test_it_keeps_its_data_over_restarts_on_other_ports(
    binary: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    endpoints = set()
    for number in range(3):
        async with await EmbeddedEtcd.start(tmp_path / "data", binary) as etcd, client_of(etcd) as client:
            endpoints.add(etcd.endpoint)
            await client.put(f"/a/{number}", b"")
            assert len((await client.list("/a/")).items) == number + 1
            assert etcd.version in request.node.name
    assert len(endpoints) == 3, "the ports must have changed for this to show anything"


async def test_the_one_in_the_wheel_or_on_the_path_is_found(tmp_path: Path) -> None:
    async with await EmbeddedEtcd.start(tmp_path / "data") as etcd:
        assert etcd.version.startswith("3.")


async def test_it_has_a_quota_and_its_directory_is_private(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    async with await EmbeddedEtcd.start(data_dir, newest_etcd()) as etcd, client_of(etcd) as client:
        (status,) = await client.status()
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert status.quota_bytes in (QUOTA_BYTES, 0)  # etcd before 3.6 does not tell
        assert (data_dir / "lock").read_text().strip() == str(os.getpid())


async def test_a_second_start_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    async with await EmbeddedEtcd.start(tmp_path / "data", newest_etcd()) as etcd:
        with a_parent(tmp_path / "data") as other:
            first, rest = first_words(other)
        assert first == "refused"
        assert f"in use by process {os.getpid()}" in rest
        async with client_of(etcd) as client:
            await client.put("/still", b"works")


async def test_it_dies_with_its_parent_and_the_directory_is_free_again(tmp_path: Path) -> None:
    with a_parent(tmp_path / "data") as parent:
        pid, endpoint = first_words(parent)
        async with EtcdClient(EtcdSettings((endpoint,))) as client:
            await client.put("/a", b"kept")
        parent.kill()
    wait_until_gone(int(pid))

    async with await EmbeddedEtcd.start(tmp_path / "data", newest_etcd()) as etcd, client_of(etcd) as client:
        assert await client.get("/a") is not None


async def test_a_start_right_after_the_parent_was_killed_waits_for_its_etcd_to_go(tmp_path: Path) -> None:
    for _ in range(3):
        with a_parent(tmp_path / "data") as parent:
            first_words(parent)
            parent.kill()
            parent.wait()
            await (await EmbeddedEtcd.start(tmp_path / "data", newest_etcd())).stop()


async def test_stop_ends_it_also_when_it_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshots.store.etcd.embedded._STOP_TIMEOUT_S", 0.3)
    etcd = await EmbeddedEtcd.start(tmp_path / "data", newest_etcd())
    pid = etcd.pid
    os.kill(pid, signal.SIGSTOP)

    await etcd.stop()
    await etcd.stop()

    wait_until_gone(pid)


async def test_it_is_started_again_on_the_same_address_when_it_dies(tmp_path: Path) -> None:
    async with await EmbeddedEtcd.start(tmp_path / "data", newest_etcd()) as etcd, client_of(etcd) as client:
        await client.put("/a", b"kept")
        dead = etcd.pid
        os.kill(dead, signal.SIGKILL)

        item = await client.get("/a")  # repeated until it is back

        assert item is not None
        assert etcd.pid != dead


async def test_a_directory_that_cannot_be_written_is_a_clear_error() -> None:
    with TemporaryDirectory() as parent:  # not tmp_path: only its owner gets there
        os.chmod(parent, 0o755)
        data_dir = Path(parent) / "data"
        data_dir.mkdir()
        data_dir.chmod(0o555)
        with without_root(), pytest.raises(StoreUnavailable) as caught:
            await EmbeddedEtcd.start(data_dir, newest_etcd())

    assert f"the data directory {data_dir} cannot be used" in caught.value.message
    assert "Make it writable, or choose another" in caught.value.message


@contextmanager
def without_root() -> Iterator[None]:
    """As a user whom file permissions bind."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_program_that_is_no_etcd_or_too_old_is_refused(tmp_path: Path) -> None:
    impostor = tmp_path / "etcd"
    impostor.write_text("#!/bin/sh\necho 'etcd Version: 3.3.27'\n")
    impostor.chmod(0o755)

    with pytest.raises(StoreUnavailable, match=r"is etcd 3\.3\.27, and 3\.4 or newer is needed"):
        await EmbeddedEtcd.start(tmp_path / "data", impostor)
    with pytest.raises(StoreUnavailable, match="does not run as etcd"):
        await EmbeddedEtcd.start(tmp_path / "data", Path("/bin/true"))
    with pytest.raises(StoreUnavailable, match="does not run as etcd"):
        await EmbeddedEtcd.start(tmp_path / "data", tmp_path / "none")


async def test_an_etcd_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    (data_dir / "etcd").mkdir(parents=True)
    (data_dir / "etcd" / "member").write_text("not a directory")

    with pytest.raises(StoreUnavailable, match=r"the embedded etcd .* ended: .*member.*etcd\.log"):
        async with asyncio.timeout(60):
            await EmbeddedEtcd.start(data_dir, newest_etcd())
