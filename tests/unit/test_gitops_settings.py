"""The file of sources: what it may say, and what each mistake is told as."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.gitops.settings import read_sources
from agents.gitops.webhooks import is_signed
from api.errors import InvalidConfig
from tests.spine import ROOT

ONE = '[[source]]\nname = "shop"\nurl = "https://git.example.com/shop.git"\n'
OTHER = '[[source]]\nname = "pay"\nurl = "https://git.example.com/pay.git"\n'
OWNED = 'workspace = "shop"\ngroup = "edge"\n'


def read(directory: Path, text: str) -> tuple[object, ...]:
    path = directory / "gitops.toml"
    path.write_text(text)
    return read_sources(path)


def test_a_source_follows_main_unless_it_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "gitops.toml"
    path.write_text(ONE)
    (source,) = read_sources(path)
    assert (source.reference, source.mode, source.poll_s) == ("refs/heads/main", "enforce", 30.0)
    path.write_text(ONE + 'tag = "v1"\npath = "/production/"\n')
    (source,) = read_sources(path)
    assert (source.reference, source.path) == ("refs/tags/v1", "production")


def test_the_files_that_the_documentation_shows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "gitops.toml"
    names = []
    for block in re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "gitops.md").read_text(), re.S):
        path.write_text(block)
        names.append([source.name for source in read_sources(path)])
    assert names == [["shop", "payments"], ["shop"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "source"),
        ("[[source]", "not TOML"),
        ('[[source]]\nurl = "https://git.example.com/shop.git"\n', "name"),
        (ONE + 'brunch = "main"\n', "brunch"),
        (ONE + 'branch = "main"\ntag = "v1"\n', "one of branch, tag and commit"),
        (ONE + 'commit = "9f3c2"\n', "commit"),
        (ONE + 'path = "../other"\n', "no directory of a repository"),
        (ONE + 'mode = "sometimes"\n', "mode"),
        (ONE + "poll_s = 0\n", "poll_s"),
        (ONE + 'ssh_key_file = "key"\n', "ssh_key_file is for ssh"),
        (ONE.replace("https://", "http://"), "plaintext"),
        (ONE.replace("https://", "file://"), "https, ssh"),
        (ONE.replace("https://", "https://me:secret-canary@"), "credentials do not belong"),
        (ONE.replace("https://git", "-oProxyCommand=x"), "a repository is an URL"),
        (ONE + 'status_url = "https://me:secret-canary@api.example.com"\n', "status_url"),
        (ONE + OWNED + ONE + OWNED, "shop"),
        (ONE + OWNED + OTHER + OWNED, "give each a workspace of its own"),
        (ONE + OTHER, "beside others"),
    ],
)
def test_each_mistake_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        read(tmp_path, text)
    assert words in refused.value.message
    assert "gitops.toml" in refused.value.message
    assert "canary" not in refused.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="cannot be read"):
        read_sources(tmp_path / "none.toml")


BODY = b'{"ref": "refs/heads/main"}'
# HMAC-SHA-256 of BODY under "secret", by `openssl dgst -sha256 -hmac secret`.
SIGNED = "sha256=36a089f93b92e972b714e8c0f008873a206c690a8aee946a787eeb0f23e131b2"


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"x-hub-signature-256": SIGNED}, True),
        ({"x-hub-signature-256": SIGNED[:-1]}, False),
        ({"x-hub-signature-256": SIGNED.replace("sha256=", "sha1=")}, False),
        ({"x-hub-signature-256": "sha256=", "x-gitlab-token": "secret"}, False),
        ({"x-gitlab-token": "secret"}, True),
        ({"x-gitlab-token": "Secret"}, False),
        ({"x-gitlab-token": ""}, False),
        ({"x-hub-signature-256": "sha256=ü"}, False),
        ({}, False),
    ],
)
def test_only_who_knows_the_secret_is_heard(headers: dict[str, str], known: bool) -> None:
    assert is_signed(b"secret", headers, BODY) is known


def test_another_body_is_not_signed() -> None:
    assert not is_signed(b"secret", {"x-hub-signature-256": SIGNED}, BODY + b" ")
