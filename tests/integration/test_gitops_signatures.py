"""Commits signed with real keys, by real git: only those of allowed signers are taken."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.gitops.git_process import GitProcess, RepositoryTrouble
from agents.gitops.sources import Remote, Source
from examples.demo.repository import GitRepository, git_daemon

WITH_SSH = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="ssh-keygen checks SSH signatures, and is not here"
)
WITH_GPG = pytest.mark.skipif(not shutil.which("gpg"), reason="gpg checks OpenPGP signatures, and is not here")


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "git")


def ssh_key(directory: Path, name: str) -> Path:
    key = directory / name
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)), check=True)
    return key


def commit(repository: GitRepository, message: str, *settings: str) -> str:
    """A commit that is signed as `settings` say, or not."""
    (repository.work / "a.yaml").write_text(f"# {message}\n")
    repository.git("add", "-A")
    options = [word for setting in settings for word in ("-c", setting)]
    repository.git(*options, "commit", "-q", "-m", message, *(("-S",) if settings else ()))
    return repository.push()


async def taken(repository: GitRepository, commit_id: str, **allowed: str) -> str:
    """Empty if the commit is taken (or worth trying again, which no test here expects), or else why not."""
    with git_daemon(repository) as url:
        source = Source("shop", Remote(url, **allowed), branch="main")
        git = GitProcess(source, repository.top / "store")
        try:
            await git.fetch(commit_id, "")
        except RepositoryTrouble as trouble:
            return "" if trouble.again else trouble.message
        finally:
            await git.close()
    return ""


@WITH_SSH
async def test_ssh_signatures_of_allowed_signers_are_taken(tmp_path: Path, repository: GitRepository) -> None:
    ada, mallory = ssh_key(tmp_path, "ada"), ssh_key(tmp_path, "mallory")
    allowed = tmp_path / "allowed"
    allowed.write_text(f'ada@example.com namespaces="git" {ada.with_suffix(".pub").read_text()}')
    ssh = "gpg.format=ssh"
    signed = commit(repository, "By Ada", ssh, f"user.signingKey={ada}")
    forged = commit(repository, "By Mallory", ssh, f"user.signingKey={mallory}")
    unsigned = commit(repository, "By nobody")

    assert await taken(repository, signed, allowed_signers_file=str(allowed)) == ""
    assert "not among the allowed signers" in await taken(repository, forged, allowed_signers_file=str(allowed))
    assert "not signed" in await taken(repository, unsigned, allowed_signers_file=str(allowed))
    assert "allowed_signers_file" in await taken(repository, signed, allowed_gpg_keys_file=str(allowed))
    assert await taken(repository, unsigned) == ""


@WITH_SSH
async def test_a_signature_of_other_content_is_not_good(tmp_path: Path, repository: GitRepository) -> None:
    ada = ssh_key(tmp_path, "ada")
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ada@example.com {ada.with_suffix('.pub').read_text()}")
    signed = commit(repository, "By Ada", "gpg.format=ssh", f"user.signingKey={ada}")
    raw = repository.git("cat-file", "commit", signed)
    forged = repository.git("hash-object", "-t", "commit", "-w", "--stdin", data=(raw + " and Mallory\n").encode())
    repository.git("update-ref", "refs/heads/main", forged)
    repository.push()

    assert "SSH signature is not good" in await taken(repository, forged, allowed_signers_file=str(allowed))


@pytest.fixture
def keyring(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A gpg of its own with the keys of Ada, whose public key is in `allowed.asc`, and of Mallory."""
    home = tmp_path_factory.mktemp("g")  # its agent's socket needs a short path
    home.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    gpg = ("gpg", "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback")
    for name in ("ada", "mallory"):
        subprocess.run((*gpg, "--quick-generate-key", f"{name}@example.com", "ed25519"), check=True)
    exported = subprocess.run(("gpg", "--armor", "--export", "ada@example.com"), check=True, capture_output=True)
    (home / "allowed.asc").write_bytes(exported.stdout)
    yield home
    subprocess.run(("gpgconf", "--kill", "all"), check=False)


@WITH_GPG
async def test_openpgp_signatures_of_allowed_keys_are_taken(repository: GitRepository, keyring: Path) -> None:
    allowed = str(keyring / "allowed.asc")
    signed = commit(repository, "By Ada", "gpg.format=openpgp", "user.signingKey=ada@example.com")
    forged = commit(repository, "By Mallory", "gpg.format=openpgp", "user.signingKey=mallory@example.com")
    assert await taken(repository, signed, allowed_gpg_keys_file=allowed) == ""
    assert "not of an allowed key" in await taken(repository, forged, allowed_gpg_keys_file=allowed)
