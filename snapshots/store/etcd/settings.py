"""How an etcd is reached: one frozen object, made once.  Files are named here and read where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from api.errors import InvalidConfig

DEFAULT_PORT = 2379


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One member's client address: `target` as gRPC takes it, `name` as people wrote it."""

    name: str
    target: str
    secure: bool


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """Where etcd is, and who we are to it.

    `endpoints`: `http://`, `https://` or `unix:` URLs, or `host:port` (TLS if a certificate is named). `timeout_s`: the
    whole time of one call, with its retries. `unreachable_s`: a call gives up once nobody has taken a connection for so
    long. `status_timeout_s`: what the state of the cluster may take to tell. `password_file` is read at each sign-in: a
    password can be rotated.
    """

    endpoints: tuple[str, ...]
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str = ""
    password: str = ""
    password_file: Path | None = None
    timeout_s: float = 10.0
    connect_timeout_s: float = 2.0
    unreachable_s: float = 3.0
    status_timeout_s: float = 2.5
    watch_idle_s: float = 20.0
    keepalive_s: float = 15.0
    receive_limit_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise InvalidConfig("no etcd endpoint is given; name at least one, such as http://127.0.0.1:2379")
        if (self.cert_file is None) != (self.key_file is None):
            raise InvalidConfig("an etcd client certificate and its key go together; give both files or neither")
        schemes = {parse_endpoint(endpoint, secure=self._has_tls_files).secure for endpoint in self.endpoints}
        if len(schemes) > 1:
            raise InvalidConfig("some etcd endpoints are https and some are not; use TLS for all of them")

    @property
    def _has_tls_files(self) -> bool:
        return self.ca_file is not None or self.cert_file is not None

    @property
    def addresses(self) -> tuple[Endpoint, ...]:
        return tuple(parse_endpoint(endpoint, secure=self._has_tls_files) for endpoint in self.endpoints)

    @property
    def attempt_timeout_s(self) -> float:
        """How long one attempt may take when another endpoint could be asked instead."""
        return self.timeout_s if len(self.endpoints) == 1 else self.timeout_s / 3

    def sign_in_password(self) -> str:
        """Raises InvalidConfig when the password file cannot be read."""
        return self.password if self.password_file is None else read(self.password_file).decode().rstrip("\r\n")


def parse_endpoint(endpoint: str, *, secure: bool) -> Endpoint:
    """`secure` decides for an address without a scheme. Raises InvalidConfig, saying what a good one looks like."""
    if endpoint.startswith("unix:"):
        return Endpoint(endpoint, endpoint, secure)
    url = urlsplit(endpoint if "://" in endpoint else f"{'https' if secure else 'http'}://{endpoint}")
    try:
        port = url.port or DEFAULT_PORT
    except ValueError:
        port = 0
    if url.scheme not in ("http", "https") or not url.hostname or not port or url.path not in ("", "/"):
        raise InvalidConfig(
            f"{endpoint!r} is no etcd endpoint; write it as http://127.0.0.1:2379 or https://etcd-1:2379"
        )
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return Endpoint(endpoint, f"{host}:{port}", url.scheme == "https")


def read(path: Path) -> bytes:
    """Raises InvalidConfig, naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read: {error.strerror}; etcd is reached with it") from error
