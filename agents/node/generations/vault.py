"""Seals secrets on the disk: AES-256-GCM under a key from a file, which does not belong beside what it opens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from api.errors import InvalidConfig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES, _TAG_BYTES = 12, 16
_LONGEST_FILE_BYTES = 4096
_FOR_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP  # a group may read: so are keys mounted into containers
_HOW = "make one with `openssl rand -hex 32 > FILE; chmod 0400 FILE`"


class KeyVault:
    """A vault under one key. What is sealed has a nonce of its own and is bound to the header that it stands beside."""

    overhead_bytes = _NONCE_BYTES + _TAG_BYTES

    def __init__(self, key: bytes) -> None:
        self._cipher = _cipher(key)
        # A key of its own: what is told by fingerprints is told under a key that seals nothing.
        self._fingerprints = hmac.digest(key, b"fairlead fingerprints of sealed generations", "sha256")

    def fingerprint(self, data: bytes) -> str:
        return hmac.new(self._fingerprints, data, hashlib.sha256).hexdigest()

    def seal(self, data: bytes, header: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, header)

    def open(self, sealed: bytes, header: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], header)
        except (InvalidTag, ValueError):  # ValueError: too short to be anything
            return None


def vault_from(path: Path) -> KeyVault:
    """The vault under the key in this file: 32 bytes, as they are, in hex or in base64. Raises InvalidConfig."""
    return KeyVault(_key_in(path, _read(path)))


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise InvalidConfig(f"secrets_key {path} is no file; {_HOW}")
            if about.st_mode & _FOR_OTHERS:
                mode = f"has mode {stat.S_IMODE(about.st_mode):04o}, so that others may read or change it"
                raise InvalidConfig(f"secrets_key {path} {mode}; give it 0400")
            return file.read(_LONGEST_FILE_BYTES)
    except OSError as error:
        raise InvalidConfig(f"cannot read secrets_key {path}: {error.strerror}; {_HOW}") from error


def _key_in(path: Path, data: bytes) -> bytes:
    if len(data) == KEY_BYTES:
        return data
    written = data.strip()
    for decode in (bytes.fromhex, lambda text: base64.b64decode(text, validate=True)):
        try:
            key = decode(written.decode("ascii"))
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise InvalidConfig(f"secrets_key {path} holds no key of {KEY_BYTES} bytes, as they are, in hex or base64; {_HOW}")


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 6 MiB, for those who seal

    return AESGCM(key)
