"""What can be followed, and by which way: tags and commits; ssh, by a stand-in that runs what the far side would."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from agents.gitops.git_process import GitProcess, RepositoryTrouble
from agents.gitops.sources import Remote, Source
from examples.demo.repository import GitRepository, git_daemon
from tests.git_server import SmartHttp

# Takes its options as ssh does, notes them, and runs the command for the far side here.
SSH = """#!/bin/sh
printf '%s\\n' "$@" > "{noted}"
for last; do :; done
exec sh -c "$last"
"""


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "git")
    repository.commit("Begin", {"a.yaml": "# one\n"})
    return repository


@asynccontextmanager
async def asked(source: Source, store: Path) -> AsyncIterator[GitProcess]:
    git = GitProcess(source, store)
    try:
        yield git
    finally:
        await git.close()


@pytest.mark.parametrize("annotated", [False, True])
async def test_a_tag_is_followed_to_its_commit_and_where_it_is_moved(
    repository: GitRepository, tmp_path: Path, annotated: bool
) -> None:
    words = ("-a", "-m", "release") if annotated else ()
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", *words, "v1")
    repository.git("push", "-q", "origin", "v1")
    with git_daemon(repository) as url:
        async with asked(Source("shop", Remote(url), tag="v1"), tmp_path / "store") as git:
            assert await git.look() == first
            assert [each.path for each in (await git.fetch(first, "")).documents] == ["a.yaml"]
            second = repository.commit("Next", {"a.yaml": "# two\n"})
            assert await git.look() == first
            repository.git("tag", "-f", *words, "v1")
            repository.git("push", "-qf", "origin", "v1")
            assert await git.look() == second


async def test_a_commit_is_followed_and_never_moves(repository: GitRepository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit("Next", {"a.yaml": "# two\n"})
    with git_daemon(repository) as url:
        async with asked(Source("shop", Remote(url), commit=first), tmp_path / "store") as git:
            assert await git.look() == first
            assert [each.content for each in (await git.fetch(first, "")).documents] == [b"# one\n"]


async def test_ssh_asks_nobody_and_uses_what_the_source_names(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, noted = tmp_path / "bin", tmp_path / "noted"
    programs.mkdir()
    (programs / "ssh").write_text(SSH.format(noted=noted))
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    key, hosts = tmp_path / "a key", tmp_path / "known_hosts"
    remote = Remote(
        f"ssh://git@git.example.com:2222{repository.bare}", ssh_key_file=str(key), ssh_known_hosts_file=str(hosts)
    )
    async with asked(Source("shop", remote, branch="main"), tmp_path / "store") as git:
        commit = await git.look()
        assert [each.path for each in (await git.fetch(commit, "")).documents] == ["a.yaml"]
    said = noted.read_text().splitlines()
    assert {"BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"} <= set(said)
    assert said[said.index("-i") + 1] == str(key)
    assert said[said.index("-F") + 1] == "none"
    assert said[said.index("-p") + 1] == "2222"
    assert f"UserKnownHostsFile={hosts}" in said
    assert "git@git.example.com" in said


async def test_an_ssh_that_fails_is_a_sentence(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    remote = Remote("ssh://git@git.example.com/shop.git")
    async with asked(Source("shop", remote, branch="main"), tmp_path / "store") as git:
        with pytest.raises(RepositoryTrouble) as refused:
            await git.look()
    assert refused.value.again
    assert "Permission denied" in refused.value.message


async def test_https_trusts_the_ca_that_the_source_names_and_nobody_else(
    repository: GitRepository, tmp_path: Path
) -> None:
    authority, token = trustme.CA(), tmp_path / "token"
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    token.write_text("https-canary\n")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    https = SmartHttp(repository, token="https-canary", tls=tls)
    try:
        trusted = Remote(https.url, ca_file=str(tmp_path / "ca.pem"), token_file=str(token))
        async with asked(Source("shop", trusted, branch="main"), tmp_path / "store") as git:
            commit = await git.look()
            assert [each.path for each in (await git.fetch(commit, "")).documents] == ["a.yaml"]
        for ca_file in ("", str(tmp_path / "other.pem")):
            stranger = Remote(https.url, ca_file=ca_file, token_file=str(token))
            async with asked(Source("shop", stranger, branch="main"), tmp_path / "other") as git:
                with pytest.raises(RepositoryTrouble, match="certificate") as refused:
                    await git.look()
            assert "canary" not in refused.value.message
    finally:
        https.stop()
