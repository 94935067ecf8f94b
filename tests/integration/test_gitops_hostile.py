"""Repositories and servers that mean no good: each is a sentence for people, within limits, and the next look works."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from agents.gitops.git_messages import Assignment, Limits
from agents.gitops.git_process import GitProcess, RepositoryTrouble
from agents.gitops.sources import Remote, Source
from examples.demo.repository import GitRepository
from snapshots.authoring.limits import MIB
from tests.git_server import SmartHttp
from tests.spine import ROOT, wait_for

SMALL = Limits(memory_bytes=160 * MIB, pack_bytes=MIB, documents_bytes=MIB)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "git")
    repository.commit("Begin", {"a.yaml": "# one\n", "b.yaml": "# two\n"})
    return repository


@pytest.fixture
def http(repository: GitRepository) -> Iterator[SmartHttp]:
    http = SmartHttp(repository)
    yield http
    http.stop()


@asynccontextmanager
async def following(http: SmartHttp, directory: Path, limits: Limits = SMALL) -> AsyncIterator[GitProcess]:
    git = GitProcess(Source("shop", Remote(http.url), branch="main"), directory, limits)
    try:
        yield git
    finally:
        await git.close()


async def trouble(git: GitProcess, commit: str) -> RepositoryTrouble:
    with pytest.raises(RepositoryTrouble) as raised:
        await git.fetch(commit, "")
    assert raised.value.message.isprintable()
    return raised.value


async def is_well(git: GitProcess, repository: GitRepository) -> bool:
    """Whether the next good commit is read as if nothing had been."""
    good = repository.commit("Mend it", {"a.yaml": "# mended\n", "large.yaml": "# small\n"})
    checkout = await git.fetch(await git.look(), "")
    return checkout.commit == good and {each.path for each in checkout.documents} >= {"a.yaml", "b.yaml"}


async def test_a_file_that_unpacks_to_more_than_memory_is_a_sentence(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    with (repository.work / "large.yaml").open("wb") as file:
        file.truncate(120 * MIB)  # a hundred kilobytes in a pack
    commit = repository.commit("A bomb", {})
    async with following(http, tmp_path / "store") as git:
        assert "more than" in (await trouble(git, commit)).message
        assert await is_well(git, repository)


async def test_a_fetch_larger_than_the_limit_is_not_taken(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    (repository.work / "large.bin").write_bytes(os.urandom(2 * MIB))
    commit = repository.commit("Too much", {})
    async with following(http, tmp_path / "store") as git:
        told = await trouble(git, commit)
        assert (told.message, told.again) == ("a fetch of more than 1 MiB is not taken", False)
        repository.commit("Without it", {"large.bin": None})
        assert await is_well(git, repository)


async def test_documents_that_are_too_many_bytes_together_are_not_taken(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    commit = repository.commit("Wordy", {f"{number}.yaml": "# x\n" * 100_000 + str(number) for number in range(4)})
    async with following(http, tmp_path / "store") as git:
        assert "documents of more than 1 MiB" in (await trouble(git, commit)).message


async def test_a_server_that_never_answers_is_given_up_and_asked_again(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    hung = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(path: str) -> bytes | None:
        asyncio.run_coroutine_threadsafe(hung.wait(), loop).result(60)
        return b""

    http.before = hang
    async with following(http, tmp_path / "store", Limits(look_s=3.0)) as git:
        with pytest.raises(RepositoryTrouble, match="did not answer within 3 s"):
            await git.look()
        hung.set()
        http.before = lambda path: None
        git.limits = SMALL
        assert await is_well(git, repository)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\nContent-Length: 9\r\n\r\n0008NAK\n?",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\nContent-Length: 4\r\n\r\nzzzz",
        b"HTTP/1.1 500 \x1b[31mNo\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_pack_is_a_sentence(
    repository: GitRepository, http: SmartHttp, tmp_path: Path, answer: bytes
) -> None:
    async with following(http, tmp_path / "store") as git:
        commit = await git.look()
        http.before = lambda path: answer if path.endswith("git-upload-pack") else None
        await trouble(git, commit)
        http.before = lambda path: None
        assert await is_well(git, repository)


async def test_a_commit_with_objects_missing_is_a_sentence(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    first = repository.git("rev-parse", "HEAD")
    blob = repository.git("rev-parse", "HEAD:a.yaml")
    async with following(http, tmp_path / "store") as git:
        (repository.bare / "objects" / blob[:2] / blob[2:]).unlink()
        await trouble(git, first)


async def test_a_store_that_is_broken_is_made_anew(repository: GitRepository, http: SmartHttp, tmp_path: Path) -> None:
    store = tmp_path / "store"
    async with following(http, store) as git:
        await git.fetch(await git.look(), "")
    for pack in store.rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"nonsense")
    (store / "HEAD").write_bytes(b"\x00")
    async with following(http, store) as git:
        assert await is_well(git, repository)


async def test_names_that_differ_in_case_alone_are_two_documents(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    repository.commit("Both", {"A.yaml": "# great\n", "a.yaml": "# small\n"})
    async with following(http, tmp_path / "store") as git:
        checkout = await git.fetch(await git.look(), "")
    assert [each.path for each in checkout.documents] == ["A.yaml", "a.yaml", "b.yaml"]


async def test_a_worker_that_is_killed_is_started_again(
    repository: GitRepository, http: SmartHttp, tmp_path: Path
) -> None:
    async with following(http, tmp_path / "store") as git:
        commit = await git.look()
        assert git.pid is not None
        os.kill(git.pid, signal.SIGKILL)
        with pytest.raises(RepositoryTrouble):
            await git.fetch(commit, "")
        assert await is_well(git, repository)


def test_a_worker_ends_with_its_parent(http: SmartHttp, tmp_path: Path) -> None:
    worker = subprocess.Popen((sys.executable, "-m", "agents.gitops.worker"), stdin=subprocess.PIPE, cwd=ROOT)
    assert worker.stdin is not None
    worker.stdin.write(msgspec.json.encode(Assignment(str(tmp_path / "store"), Remote(http.url), SMALL)) + b"\n")
    worker.stdin.close()
    wait_for(lambda: worker.poll() is not None, "the worker's end")
    assert worker.returncode == 0
