"""TLS and mutual TLS from files that may be replaced while the server runs.  Running connections are not touched.

The files are looked at for every handshake (a few `stat` calls) and read again when they differ. Files that do not fit
together, as they may for a moment while somebody writes them, leave the certificates before in use.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc

from api.errors import InvalidConfig
from xds.transport.observer import Observer

_Signature = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. With `client_ca`, clients must prove who they are by a certificate that it signed (mutual TLS)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.certificate, self.key, *((self.client_ca,) if self.client_ca else ()))


class ReloadingCertificates:
    """The certificates of one listener. Callbacks come on grpc's threads, not on the event loop."""

    def __init__(self, files: TlsFiles, on_loaded: Callable[[], None], on_refused: Callable[[str], None]) -> None:
        """Read the files. Raises InvalidConfig that names the file and what is wrong with it."""
        self._files = files
        self._on_loaded = on_loaded
        self._on_refused = on_refused
        self._seen = _signature(files)
        self._initial = _configuration(files)

    def credentials(self) -> grpc.ServerCredentials:
        """For `add_secure_port`."""
        mutual = self._files.client_ca is not None
        # None means "as before"; the stubs leave that out.
        fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", self._changed)
        return grpc.dynamic_ssl_server_credentials(self._initial, fetch, require_client_authentication=mutual)

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What to use from this handshake on; None for what was used before. Called by grpc; must not raise."""
        try:
            signature = _signature(self._files)
            if signature == self._seen:
                return None
            self._seen = signature
            configuration = _configuration(self._files)
        except InvalidConfig as error:
            self._on_refused(error.message)
            return None
        self._on_loaded()
        return configuration


def reloading_credentials(files: TlsFiles, address: str, observer: Observer) -> grpc.ServerCredentials:
    """Credentials whose reloads are told to `observer`, on the event loop that is running now.

    Raises InvalidConfig that names the file and what is wrong with it.
    """
    loop = asyncio.get_running_loop()

    def loaded() -> None:
        loop.call_soon_threadsafe(observer.certificates_loaded, address)

    def refused(reason: str) -> None:
        loop.call_soon_threadsafe(observer.certificates_refused, address, reason)

    return ReloadingCertificates(files, loaded, refused).credentials()


def _signature(files: TlsFiles) -> _Signature:
    """Equal while nobody has replaced a file; follows links, as mounted secrets are swapped by them."""
    try:
        stats = [path.stat() for path in files.paths]
    except OSError as error:
        raise InvalidConfig(f"TLS file {error.filename}: {error.strerror}") from error
    return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    key, certificate = _read(files.key), _read(files.certificate)
    client_ca = _read(files.client_ca) if files.client_ca else None
    _check(files)
    return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"TLS file {path}: {error.strerror}") from error


def _check(files: TlsFiles) -> None:
    """grpc would take anything and fail each handshake without a word, so OpenSSL is asked first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without this an encrypted key would make OpenSSL ask at the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        reason = f"the certificate {files.certificate} and the key {files.key} cannot be used together: {error}"
        raise InvalidConfig(f"{reason}. Give the PEM files of one key pair, the key without a password") from error
    if files.client_ca is None:
        return
    try:
        context.load_verify_locations(files.client_ca)
    except (ssl.SSLError, OSError) as error:
        raise InvalidConfig(f"the client CA {files.client_ca} has no certificate that can be read: {error}") from error
