"""Where a listener listens, as people write it. No socket is opened here."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from api.errors import InvalidConfig

UNIX = "unix:"
SOCKET_PATH_BYTES = 107  # unix(7): 108 with the zero at the end


@dataclass(frozen=True, slots=True)
class Address:
    """`host:port`; port 0 takes a free one. An IPv6 host stands in brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises InvalidConfig."""
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            host = ""  # an IPv6 address without brackets could end anywhere
        if colon and host and port.isascii() and port.isdigit() and int(port) < 65536:
            return cls(host, int(port))
        raise InvalidConfig(f'{text!r} is no address; give host:port, such as "127.0.0.1:18000" or "[::1]:18000"')

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class SocketPath:
    """A socket in the file system. Who can reach it is decided by the directories above it."""

    path: Path

    @classmethod
    def parse(cls, text: str) -> SocketPath:
        """`unix:PATH`. Raises InvalidConfig, also for a path that is longer than the system takes."""
        path = text.removeprefix(UNIX)
        if not text.startswith(UNIX) or not path:
            raise InvalidConfig(f"{text!r} is no socket; give unix:PATH")
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            raise InvalidConfig(
                f"the path of the socket {path} is longer than the {SOCKET_PATH_BYTES} bytes that the system takes; "
                "give a shorter one"
            )
        return cls(Path(path))

    def __str__(self) -> str:
        return f"{UNIX}{self.path}"

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        return True


AnyAddress = Address | SocketPath


def parse_any(text: str) -> AnyAddress:
    """`unix:PATH` or `host:port`. Raises InvalidConfig."""
    return SocketPath.parse(text) if text.startswith(UNIX) else Address.parse(text)


class CannotListen(InvalidConfig):
    """An address cannot be had: it is taken, unknown, or not for this user."""

    def __init__(self, address: AnyAddress, reason: str) -> None:
        super().__init__(f"cannot listen on {address}: {reason}. Stop what listens there or choose another address")
