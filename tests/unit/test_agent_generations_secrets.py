"""Secrets on the disk: left out, or sealed under a key; never as they are, and nothing that tells of them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from agents.node.generations.generation import Contents, ResourceName
from agents.node.generations.problems import NotWritten
from agents.node.generations.secrecy import secrets_of
from agents.node.generations.store import Generations
from agents.node.generations.vault import KEY_BYTES, KeyVault, vault_from
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.errors import InvalidConfig
from tests.builders import cluster, listener, secret
from tests.generations import MADE_AT_S, OWNER, a_store, contents, good, revision_in, unrelated
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ROUTE, SECRET, TypeUrl

KEY, OTHER_KEY = bytes(range(KEY_BYTES)), bytes(KEY_BYTES)
CANARY = "hunter2 is the canary"
PAIR = ResourceName(SECRET, "pair")
ENVOY = "type.googleapis.com/envoy."


def bytes_in(directory: Path) -> bytes:
    """Of all files, and their names."""
    return b"".join(path.name.encode() + path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def with_canary(revision: int = 1, canary: str = CANARY) -> Contents:
    return contents(revision, cluster("web"), secret("pair", canary))


def names(held: Contents) -> list[str]:
    return sorted(resource.name for resource in held.resources)


def test_without_a_key_secrets_are_left_out_and_it_says_which(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    summary = good(store, 1, *with_canary().resources)
    generation = store.newest_good().generation
    assert generation is not None
    assert names(generation.contents) == ["web"]
    assert generation.contents.left_out == (PAIR,)
    assert (summary.resource_count, summary.left_out_count, summary.sealed_count) == (1, 1, 0)
    assert generation.sealed_shut == ""


def test_what_was_left_out_before_is_left_out_still(tmp_path: Path) -> None:
    """An agent that has started from such a generation, and whose servers have not told it more yet."""
    store = a_store(tmp_path)
    held = Contents(2, (cluster("web"),), left_out=(PAIR,))
    store.promote(store.write(held, MADE_AT_S).number)
    generation = store.newest_good().generation
    assert generation is not None
    assert generation.contents == held
    again = a_store(tmp_path).write(generation.contents, MADE_AT_S + 9)
    assert (again.number, again.state) == (1, "good"), "served from disk, it is nothing new"


def test_with_a_key_they_come_back_whole(tmp_path: Path) -> None:
    store = a_store(tmp_path, vault=KeyVault(KEY))
    held = with_canary()
    summary = good(store, 1, *held.resources)
    generation = a_store(tmp_path, vault=KeyVault(KEY)).newest_good().generation
    assert generation is not None
    assert set(generation.contents.resources) == set(held.resources)
    assert generation.contents.left_out == ()
    assert (summary.resource_count, summary.left_out_count, summary.sealed_count) == (2, 0, 1)


@pytest.mark.parametrize("vault", [None, KeyVault(KEY)], ids=["left out", "sealed"])
def test_nothing_on_the_disk_tells_of_a_secret(tmp_path: Path, vault: KeyVault | None) -> None:
    """Neither its bytes, nor a digest that words could be tried against."""
    store = a_store(tmp_path, vault=vault)
    good(store, 1, *with_canary().resources)
    store.reject(store.write(with_canary(2, CANARY + "!"), MADE_AT_S).number)
    store.write(contents(3, secret("pair", CANARY)), MADE_AT_S)
    told = bytes_in(tmp_path)
    for held in (with_canary(), with_canary(2, CANARY + "!")):
        for resource in held.resources:
            if resource.type_url == SECRET:
                for form in (resource.body, resource.version.encode(), *forms_of(resource.body)):
                    assert form not in told
    for form in forms_of(CANARY.encode()):
        assert form not in told


def forms_of(data: bytes) -> tuple[bytes, ...]:
    return data, data.hex().encode(), base64.b64encode(data), sha256(data).digest(), sha256(data).hexdigest().encode()


def test_the_digest_of_contents_tells_nothing_without_the_key_and_changes_with_a_secret(tmp_path: Path) -> None:
    def content(key: bytes | None, canary: str) -> str:
        where = tmp_path / os.urandom(4).hex()
        return a_store(where, vault=KeyVault(key) if key else None).write(with_canary(1, canary), MADE_AT_S).content

    assert content(None, "a") == content(None, "b")
    assert content(KEY, "a") == content(KEY, "a")
    assert len({content(KEY, "a"), content(KEY, "b"), content(OTHER_KEY, "a"), content(None, "a")}) == 4


def test_a_renewed_secret_is_written_where_it_is_sealed_and_is_nothing_new_where_it_is_left_out(tmp_path: Path) -> None:
    """Left out it would only push older generations out."""
    sealing, leaving = a_store(tmp_path / "sealed", vault=KeyVault(KEY)), a_store(tmp_path / "left out")
    for store, number in ((sealing, 2), (leaving, 1)):
        good(store, 1, *with_canary(1, "old").resources)
        assert store.write(with_canary(2, "new"), MADE_AT_S).number == number


def test_a_rejected_one_with_secrets_left_out_may_bake_again(tmp_path: Path) -> None:
    """What was left out may have been what was wrong with it."""
    store = a_store(tmp_path)
    store.reject(store.write(with_canary(1, "wrong"), MADE_AT_S).number)
    assert store.write(with_canary(2, "right"), MADE_AT_S).state == "candidate"


@pytest.mark.parametrize("key", [OTHER_KEY, None], ids=["another key", "no key"])
def test_what_cannot_be_opened_is_used_only_where_there_is_no_other(tmp_path: Path, key: bytes | None) -> None:
    good(a_store(tmp_path), 1)
    good(a_store(tmp_path, vault=KeyVault(KEY)), 2, *with_canary().resources)
    store = a_store(tmp_path, vault=KeyVault(key) if key else None)
    search = store.newest_good()
    assert revision_in(search) == 1
    assert "its secrets (1) are sealed, and" in search.unusable[0].why

    (tmp_path / "000001.good").unlink()
    alone = store.newest_good()
    assert alone.generation is not None
    assert alone.generation.sealed_shut
    assert names(alone.generation.contents) == ["web"]
    assert alone.generation.contents.left_out == (PAIR,)
    assert revision_in(a_store(tmp_path, vault=KeyVault(KEY)).newest_good()) == 2


def test_what_is_sealed_fits_one_file_only(tmp_path: Path) -> None:
    """The header is sealed beside it: secrets of another generation, node or group do not open."""
    vault = KeyVault(KEY)
    sealed = vault.seal(b"secret", b"header of 1")
    assert vault.open(sealed, b"header of 1") == b"secret"
    assert vault.open(sealed, b"header of 2") is None
    assert vault.open(sealed[:-1], b"header of 1") is None
    assert vault.open(b"", b"header of 1") is None
    assert len(sealed) == len(b"secret") + vault.overhead_bytes


def test_nothing_is_sealed_twice_alike() -> None:
    vault = KeyVault(KEY)
    assert vault.seal(b"secret", b"") != vault.seal(b"secret", b"")


@pytest.mark.parametrize("written", [KEY, KEY.hex().encode() + b"\n", base64.b64encode(KEY) + b"\n"])
def test_a_key_is_read_as_it_is_in_hex_or_in_base64(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(written)
    path.chmod(0o400)
    assert vault_from(path).open(KeyVault(KEY).seal(b"x", b""), b"") == b"x"


@pytest.mark.parametrize("written", [b"", KEY[:-1], KEY + b"\0", KEY.hex()[:-2].encode(), base64.b64encode(KEY[1:])])
def test_a_key_of_another_length_is_refused(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(written)
    path.chmod(0o400)
    with pytest.raises(InvalidConfig, match="holds no key of 32 bytes") as refused:
        vault_from(path)
    assert written == b"" or written.decode("latin-1") not in refused.value.message


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o602])
def test_a_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(mode)
    with pytest.raises(InvalidConfig, match=re.escape(f"{path} has mode {mode:04o}")):
        vault_from(path)


def test_a_key_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="No such file"):
        vault_from(tmp_path / "key")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidConfig, match="is no file"):
        vault_from(tmp_path / "pipe")
    with pytest.raises(InvalidConfig, match=r"is no file|Is a directory"):
        vault_from(tmp_path)


def test_a_cipher_is_loaded_by_those_who_seal_and_by_nobody_else() -> None:
    script = (
        "import sys, agents.node.generations.store, agents.node.generations.vault; print('cryptography' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert told.stdout == "False\n"


def a_resource(type_url: TypeUrl, called: str, /, **fields: object) -> Resource:
    parsed = from_json(load_default(), {"@type": type_url, **fields})
    assert parsed.message is not None
    return Resource.of(type_url, called, parsed.message.SerializeToString())


def auth(users: dict[str, str]) -> dict[str, object]:
    per_route = {"@type": ENVOY + "extensions.filters.http.basic_auth.v3.BasicAuthPerRoute", "users": users}
    return {"name": "shop", "typed_per_filter_config": {"auth": per_route}}


def test_what_envoys_api_marks_is_secret_in_whatever_it_is(tmp_path: Path) -> None:
    resources = (
        a_resource(CLUSTER, "web", name="web", connect_timeout="1s"),
        a_resource(ROUTE, "by file", **auth({"filename": "/etc/users"})),
        a_resource(ROUTE, "inline", **auth({"inline_string": CANARY})),
        a_resource(SECRET, "of a file", name="of a file", validation_context={"trusted_ca": {"filename": "/ca"}}),
        Resource.of(CLUSTER, "unreadable", b"\xff" + CANARY.encode()),
    )
    store = Generations(tmp_path, OWNER, is_secret=secrets_of(load_default()), relate=unrelated)
    good(store, 1, *resources)
    generation = store.newest_good().generation
    assert generation is not None
    assert names(generation.contents) == ["by file", "web"]
    assert {left.name for left in generation.contents.left_out} == {"inline", "of a file", "unreadable"}
    assert CANARY.encode() not in bytes_in(tmp_path)


def test_a_failed_write_leaves_no_secret_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    store = a_store(tmp_path, vault=KeyVault(KEY))
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(NotWritten, match="No space left"):
        store.write(contents(1, listener("in"), secret("pair", CANARY)), MADE_AT_S)
    assert bytes_in(tmp_path) == b""
