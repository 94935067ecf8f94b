"""A client of Envoy's admin interface, over a Unix socket or loopback. It knows pages, not what they mean for traffic.

One connection for each question: Envoy's admin interface moves from one process to the next in a hot restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import h11
import msgspec

from api.errors import FairleadError, InvalidConfig
from api.hosting.address import Address

UNIX = "unix:"
DEADLINE_S = 10.0
BODY_LIMIT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

AdminPlace = Path | Address
"""A Unix socket's path, or an address of this machine."""


class AdminError(FairleadError):
    """Envoy's admin interface does not answer, or not as it should. `http_status` is 0 where no answer came; `absent`:
    nothing listens there at all."""

    status: ClassVar[str] = "UNAVAILABLE"
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, http_status: int = 0, *, absent: bool = False) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.absent = absent


class ServerState(StrEnum):
    """What Envoy calls its state (`envoy.admin.v3.ServerInfo.State`)."""

    LIVE = "LIVE"
    DRAINING = "DRAINING"
    PRE_INITIALIZING = "PRE_INITIALIZING"
    INITIALIZING = "INITIALIZING"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Of /server_info. `version` such as 1.40.0; `hot_restart_version` is what two epochs must agree on; `uptime_s` is
    that of this epoch."""

    version: str
    state: ServerState
    epoch: int
    base_id: int
    hot_restart_version: str
    uptime_s: float


def admin_place(text: str) -> AdminPlace:
    """`unix:PATH` or `host:port` of this machine. Raises InvalidConfig."""
    if text.startswith(UNIX):
        return Path(text.removeprefix(UNIX))
    address = Address.parse(text)
    if not address.loopback:
        raise InvalidConfig(f"Envoy's admin interface at {text} would be open to the network; keep it on loopback")
    return address


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body is still to be read."""

    status: int
    body: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Admin:
    """Asks one Envoy. Everything raises AdminError, and nothing else, when there is no good answer in time."""

    place: AdminPlace
    deadline_s: float = DEADLINE_S
    body_limit_bytes: int = BODY_LIMIT_BYTES

    def __str__(self) -> str:
        return f"{UNIX}{self.place}" if isinstance(self.place, Path) else str(self.place)

    async def get(self, page: str, *, deadline_s: float | None = None) -> bytes:
        """The body of a page such as `/clusters?format=json`."""
        return await self._whole("GET", page, deadline_s)

    async def post(self, page: str, *, deadline_s: float | None = None) -> bytes:
        """Change something; the body of the answer."""
        return await self._whole("POST", page, deadline_s)

    @asynccontextmanager
    async def opened(self, page: str, *, method: str = "GET", deadline_s: float | None = None) -> AsyncIterator[Answer]:
        """A page whose body is read piece by piece, each at most 64 KiB: for what may be large. Any status.

        The deadline is for all that is done within the block.
        """
        allowed_s = self.deadline_s if deadline_s is None else deadline_s
        with _translated(f"Envoy's admin interface at {self}", page, allowed_s):
            async with asyncio.timeout(allowed_s), self._connection() as (reader, writer):
                exchange = _Exchange(reader, writer)
                yield Answer(await exchange.ask(method, page), exchange.body())

    async def ready(self, *, deadline_s: float | None = None) -> ServerState:
        """Envoy's own word; anything but LIVE means that it should get no traffic."""
        _, body = await self._answer("GET", "/ready", deadline_s)
        try:
            return ServerState(body.decode("ascii", "replace").strip())
        except ValueError:
            raise AdminError(f"Envoy's admin interface at {self} gives no state at /ready: {body[:80]!r}") from None

    async def server_info(self) -> ServerInfo:
        """Which Envoy it is that answers."""
        try:
            said = msgspec.json.decode(await self.get("/server_info"), type=_ServerInfo)
            return said.understood()
        except (msgspec.DecodeError, ValueError) as error:
            raise AdminError(f"Envoy's admin interface at {self} gives no server info: {error}") from None

    async def statistics(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches a regular expression (RE2)."""
        page = f"/stats?format=json&filter={quote(pattern, safe='')}"
        try:
            said = msgspec.json.decode(await self.get(page), type=_Statistics)
        except msgspec.DecodeError as error:
            raise AdminError(f"Envoy's admin interface at {self} gives no statistics: {error}") from None
        return {each.name: each.value for each in said.stats if isinstance(each.value, int) and each.name}

    async def connections(self) -> int:
        """How many clients are connected now, in this epoch and the one that it replaces; the admin's own apart."""
        found = await self.statistics(r"^listener\..*\.downstream_cx_active$")
        return sum(value for name, value in found.items() if _counts(name))

    async def until_cut(self) -> None:
        """Connect, say nothing, and return when Envoy ends the connection, as it does when it ends itself."""
        with _translated(f"Envoy's admin interface at {self}", "a connection", 0):
            async with self._connection() as (reader, _):
                await reader.read(1)

    async def _whole(self, method: str, page: str, deadline_s: float | None) -> bytes:
        status, body = await self._answer(method, page, deadline_s)
        if status != 200:
            said = body[:200].decode(errors="replace").strip()
            raise AdminError(f"Envoy's admin interface answers {page} with {status}: {said}", status)
        return body

    async def _answer(self, method: str, page: str, deadline_s: float | None) -> tuple[int, bytes]:
        pieces, size = [], 0
        async with self.opened(page, method=method, deadline_s=deadline_s) as answer:
            async for piece in answer.body:
                size += len(piece)
                if size > self.body_limit_bytes:
                    raise AdminError(f"Envoy's answer to {page} is larger than {self.body_limit_bytes} bytes")
                pieces.append(piece)
        return answer.status, b"".join(pieces)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        if isinstance(self.place, Path):
            reader, writer = await asyncio.open_unix_connection(self.place, limit=_CHUNK_BYTES)
        else:
            reader, writer = await asyncio.open_connection(self.place.host, self.place.port, limit=_CHUNK_BYTES)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


class _Exchange:
    """One question and its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def ask(self, method: str, page: str) -> int:
        """Returns the status."""
        headers = [("Host", "admin"), ("Connection", "close"), ("Content-Length", "0")]
        self._send(h11.Request(method=method, target=page, headers=headers))
        self._send(h11.EndOfMessage())
        await self._writer.drain()
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise h11.RemoteProtocolError("the connection ended before an answer came")
        return event.status_code

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    def _send(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_CHUNK_BYTES))
        return event


class _Options(msgspec.Struct):
    base_id: int | str = 0
    restart_epoch: int = 0


class _ServerInfo(msgspec.Struct):
    version: str
    state: str
    hot_restart_version: str = ""
    uptime_current_epoch: str = "0s"
    command_line_options: _Options = msgspec.field(default_factory=_Options)

    def understood(self) -> ServerInfo:
        """Raises ValueError."""
        parts = self.version.split("/")  # 9e5580…/1.40.0/Clean/RELEASE/BoringSSL
        options = self.command_line_options
        return ServerInfo(
            version=parts[1] if len(parts) > 1 else self.version,
            state=ServerState(self.state),
            epoch=options.restart_epoch,
            base_id=int(options.base_id),
            hot_restart_version=self.hot_restart_version,
            uptime_s=float(self.uptime_current_epoch.removesuffix("s")),
        )


class _Statistic(msgspec.Struct):
    name: str = ""
    value: int | str = ""


class _Statistics(msgspec.Struct):
    stats: list[_Statistic]


def _counts(name: str) -> bool:
    """Not the admin's own listener, and no worker's share of what is counted already."""
    parts = name.split(".")
    return parts[1] != "admin" and not parts[-2].startswith("worker_")


@contextmanager
def _translated(where: str, page: str, allowed_s: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise AdminError(f"{where} did not answer {page} within {allowed_s:g} s") from None
    except OSError as error:
        absent = isinstance(error, ConnectionRefusedError | FileNotFoundError)
        raise AdminError(f"{where} cannot be reached: {error.strerror or error}", absent=absent) from None
    except h11.ProtocolError as error:
        raise AdminError(f"{where} does not speak HTTP at {page}: {error}") from None
